//! The Messages dialect, which Anthropic's clients speak: a thin translation to the chat that the
//! engine knows and back.
//!
//! Source of the schema: the published description of the Messages API, and the types of the
//! official packages.

mod answer;
mod content;
mod error;
mod events;
mod request;
mod source;
mod tools;

pub(crate) use answer::whole;
pub(crate) use error::write_error;
pub(crate) use events::MessageEvents;
pub(crate) use request::{Asked, Request};

#[cfg(test)]
mod tests;
