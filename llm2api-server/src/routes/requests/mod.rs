//! `GET /requests` and `GET /v1/explain/{id}`: what became of the last requests, and why.

mod explain;
mod list;
mod names;
mod wire;

pub(super) use explain::explain;
pub(super) use list::list;
pub(super) use names::Names;
pub(super) use wire::Entry;
