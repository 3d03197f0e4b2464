//! Conversations that later requests go on with: where they are kept, for how long, and who is at
//! work in them.

mod forgotten;
mod handle;
mod holds;
mod pending;
mod rules;
mod tend;

pub(crate) use handle::Keeper;
pub use rules::{ConversationMode, ConversationRules};
pub(crate) use tend::Tending;
