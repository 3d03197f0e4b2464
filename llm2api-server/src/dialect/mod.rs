//! What the HTTP dialects share: whose envelope an error travels in, an answer as blocks, the
//! history that a request tells.

mod blocks;
mod choice;
mod history;
mod id;
#[cfg(test)]
pub(crate) mod samples;
mod speech;
mod text_or;

pub(crate) use blocks::{Block, Blocks, Kind, Step};
pub(crate) use choice::forget_choice_without_tools;
pub(crate) use history::History;
pub(crate) use id::new_id;
pub(crate) use speech::Dialect;
pub(crate) use text_or::TextOr;
