//! The authority: a server that issues, revokes and checks authorisation codes, without an engine.

mod attempts;
mod audit;
mod banner;
mod check;
mod codes;
mod health;
mod issue;
mod office;
mod pages;
mod revoke;
mod run;
mod table;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use run::run;
pub(crate) use wire::{Entry, Listed};
