//! A scripted upstream for tests: it stands in for services that cannot run here.
//!
//! [`Simulator`] speaks HTTP/1.1 on loopback and plays four parts: chat-ui in two families
//! ([`Family`]), an OpenAI-compatible API under `/v1`, Open WebUI ([`Face`]), and the search engine
//! SearXNG under `/searxng`. What the model answers is chosen by words in the prompt (`ERR429`,
//! `MIDERR`, `ECHO:text`, …) or by a [`Script`], which can misbehave byte by byte. What it received is
//! in its [`Snapshot`]; what each session or key did is in its [`Tally`]. Sessions die and are banned
//! by a [`Mark`], and an [`Incident`] refuses all chats.
//!
//! The same server is the program `llm2api-sim`, steered over `/__sim/…` by tests in Python and
//! Node.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! use llm2api_tests::{Options, Script, Simulator};
//!
//! let upstream = Simulator::start(Options::default()).await?;
//! upstream.script(Script::answer("Hello"));
//! assert!(upstream.openai_url().ends_with("/v1"));
//! assert_eq!(upstream.log().requests.len(), 0);
//! # Ok(()) }
//! ```
//!
//! The words a prompt can hold are listed in [`plan`], those of a search in [`searches`], and what
//! scripts are made of comes from [`pieces`]; connections that break are made by a [`cutter`]; real
//! servers, a real Redis and a real searx come from [`processes`].

mod cases;
mod clock;
pub mod cutter;
mod faces;
mod fixture;
mod http;
mod lock;
mod log;
mod options;
pub mod pieces;
pub mod plan;
mod play;
pub mod processes;
mod script;
pub mod searches;
mod session;
mod simulator;
mod state;
mod tally;
mod tasks;
mod tree;
mod trouble;

pub use cases::each;
pub use fixture::Fixture;
pub use log::{Received, Running, Snapshot, StopCall};
pub use options::{Face, Family, ModelSpec, Options, Session};
pub use script::{Script, Step};
pub use searches::Search;
pub use simulator::Simulator;
pub use tally::Tally;
pub use tree::{Conversation, File, Message};
pub use trouble::{Incident, Mark};
