//! What an upstream lacks and we can do for it.

mod estimate;
mod room;
mod stop;
pub mod json;
mod think;

pub use estimate::{TokenCounter, estimate_tokens};
pub use room::TokenRoom;
pub use stop::StopSearch;
pub use think::{ThinkSplitter, Thought};
