//! What the HTTP dialects share: an answer as blocks, the
//! history that a request tells.

mod blocks;
mod history;
mod id;
mod text_or;

pub(crate) use blocks::{Block, Blocks, Kind, Step};
pub(crate) use history::History;
pub(crate) use id::new_id;
pub(crate) use text_or::TextOr;
