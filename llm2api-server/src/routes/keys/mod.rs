//! `/keys` and `/key/…`: the operator's hand on the client keys.

mod act;
mod list;
mod request;
#[cfg(test)]
mod tests;
mod wire;

pub(super) use act::{create, revoke, rotate, update};
pub(super) use list::list;
pub(crate) use request::span;
pub(crate) use wire::{Entry, IssuedEntry, Page};
