//! `GET /events`: what changes, as it changes.
//!
//! Each second the state is looked at once, however many tabs are open, and only while one is. What
//! all of them get is written once. A tab that does not read gets no backlog: once it reads on, it
//! gets what holds then.

mod accounts;
mod hub;
mod open;
mod picture;
mod stream;

pub(crate) use hub::Hub;
pub(super) use open::open;
