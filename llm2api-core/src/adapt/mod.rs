//! What an upstream lacks and we can do for it.

mod answer;
mod demands;
mod estimate;
pub mod files;
mod format;
pub mod json;
mod parameters;
mod room;
mod stop;
mod think;
pub mod tools;

pub(crate) use answer::{AnswerShaper, Shaped};
pub(crate) use demands::Demands;
pub(crate) use estimate::estimate_prompt;
pub use estimate::{TokenCounter, estimate_request, estimate_tokens};
pub use format::{Format, Problem};
#[cfg(feature = "openai")]
pub(crate) use parameters::OPEN_WEBUI_OWN;
pub use parameters::{MORE, Profile, Treatment, given, sort_out};
pub use room::TokenRoom;
pub use stop::StopSearch;
pub use think::{ThinkSplitter, Thought};
pub use tools::normalise_answer;
