//! `/cookies` and `/cookie/…`: the operator's hand on the accounts.

mod act;
mod add;
mod export;
mod import;
mod list;
mod request;
mod update;
mod wire;

pub(super) use act::{check, clear, disable, enable, remove};
pub(super) use add::add;
pub(super) use export::export;
pub(super) use import::import;
pub(super) use list::list;
pub(crate) use request::{SecretText, parse};
pub(super) use update::update;
