//! The OpenAI HTTP dialect: errors, whole answers, streams.

pub(crate) mod answer;
pub(crate) mod chunks;
pub(crate) mod error;
mod failure;
