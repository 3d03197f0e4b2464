//! The HTTP surface, path by path; [`table`] is the only list of paths.

pub(crate) mod ask;
pub(crate) mod body;
mod chat;
mod cookies;
mod cors;
mod depth;
mod health;
pub(crate) mod keys;
mod limits;
mod messages;
mod models;
mod pages;
mod paging;
pub(crate) mod resource;
mod responses;
mod root;
mod session;
mod shield;
mod table;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use cookies::{SecretText, parse};
pub(crate) use pages::asset;
pub(crate) use table::routes;
