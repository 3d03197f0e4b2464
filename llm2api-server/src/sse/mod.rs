//! Server-sent events: the frames, the signs of life, and an end that nobody mistakes.

mod events;
mod keep_alive;

pub(crate) use events::{Encode, Events};
