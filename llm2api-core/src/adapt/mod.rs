//! What an upstream lacks and we can do for it.

mod estimate;
mod think;

pub use estimate::estimate_tokens;
pub use think::{ThinkSplitter, Thought};
