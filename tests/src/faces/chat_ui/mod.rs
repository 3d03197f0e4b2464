//! The chat-ui face, in the families of 2026 and 2024.

mod account;
mod conversations;
mod data_json;
mod devalue;
mod errors;
mod gate;
mod generation;
mod message_form;
mod models;
mod page;
mod prompt;
mod reattach;
mod recording;
mod relay;
mod routes;
mod scripted;
mod send;
mod stop;
mod superjson;
#[cfg(test)]
mod tests;
mod views;
mod wire;
mod writer;

pub(crate) use generation::Generation;
pub(crate) use routes::{answer, is_send, too_large};
pub(crate) use send::send;
