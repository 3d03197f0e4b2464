//! The authority: a server that issues, revokes and checks authorisation codes, without an engine.

mod wire;

pub(crate) use wire::{Entry, Listed};
