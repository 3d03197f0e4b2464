//! Requests that go on with a conversation: what the model is given, what is sent, what is kept.

mod busy;
mod crash;
mod given;
mod limits;
mod model;
mod restart;
mod script;
mod stage;
mod stale;
