//! The HTTP surface, path by path; [`table`] is the only list of paths.

mod ask;
mod body;
mod chat;
mod cookies;
mod cors;
mod depth;
mod health;
mod messages;
mod models;
mod pages;
mod resource;
mod responses;
mod root;
mod session;
mod shield;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use table::routes;
