//! The Responses dialect: a thin translation to the chat that the engine knows and back.
//!
//! The server keeps no responses: what depends on an earlier one is refused, and each request tells
//! its whole conversation.
//!
//! Source of the schema: the published OpenAI API description, and the types of the official
//! packages.

mod answer;
mod echo;
mod events;
mod item;
mod output;
mod request;
mod steps;
mod tools;

pub(crate) use events::ResponseEvents;
pub(crate) use request::{Asked, Request};

#[cfg(test)]
mod tests;
