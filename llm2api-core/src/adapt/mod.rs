//! What an upstream lacks and we can do for it.

mod estimate;
mod room;
mod stop;
pub mod json;
mod think;

pub use estimate::{TokenCounter, estimate_tokens};
pub use room::TokenRoom;
pub use stop::StopSearch;
mod format;
pub mod json;
mod think;
pub mod tools;

pub use estimate::estimate_tokens;
pub use format::{Format, Problem};
pub use think::{ThinkSplitter, Thought};
