//! Tool calls over an upstream that only knows text.
//!
//! The prompt lists the tools and says how to call one ([`Toolbox::instructions`]), the history shows
//! earlier calls and their results the same way ([`render_history`]), and a parser finds the calls in
//! the answer as it comes in ([`ToolParser`]). The convention is that of Hermes and Qwen, which most
//! open models were trained on; `docs/EMULATION.md` shows whole exchanges.
//!
//! Nothing here sends anything: the caller asks again with [`Toolbox::correction`] where a call
//! cannot be used.

mod bare;
mod block;
mod check;
mod choice;
mod compact;
mod history;
mod instructions;
mod normalise;
mod parser;
mod prose;
mod shape;
mod strict;
mod tag;
mod toolbox;

pub use check::{Problem, ReadyCall, call_id};
pub use history::render_history;
pub use normalise::normalise_answer;
pub use parser::{Broken, Found, ToolParser};
pub use shape::FoundCall;
pub use toolbox::Toolbox;

#[cfg(test)]
mod tests;
