//! The OpenAI HTTP dialect: errors, whole answers, streams.

pub(crate) mod answer;
pub(crate) mod error;
pub(crate) mod events;
mod failure;
pub(crate) mod keep_alive;
