//! The HTTP surface, path by path; [`table`] is the only list of paths.

pub(crate) mod ask;
pub(crate) mod body;
mod chat;
mod cookies;
mod cors;
mod depth;
pub(crate) mod events;
mod health;
pub(crate) mod keys;
mod limits;
mod messages;
mod metrics;
mod models;
mod pages;
mod paging;
mod requests;
pub(crate) mod resource;
mod responses;
mod root;
mod session;
mod settings;
mod shield;
mod stats;
mod table;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use cookies::{SecretText, parse};
pub(crate) use pages::asset;
pub(crate) use table::{routes, watch};
