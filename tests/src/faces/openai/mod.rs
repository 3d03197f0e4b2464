//! The OpenAI face: `/v1/chat/completions` and `/v1/models`.

mod ask;
mod chat;
mod reply;
mod routes;

pub(crate) use ask::Ask;
pub(crate) use chat::{Flavour, chat};
pub(crate) use routes::plain;
