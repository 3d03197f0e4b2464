//! A proxy that cuts answers: it stands between a client and a server, passes everything on byte
//! for byte, and ends the connection at the very byte that a [`Cut`] names.
//!
//! It knows as much of HTTP/1.1 as it takes to see where a request begins, so that one connection
//! can carry several. What the server sends after a request is the answer to it: clients that send
//! the next request before they have read the answer are not for this proxy.
//!
//! A test that makes many calls at a time gives each one a [`Cutter`] of its own; they cost a port.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! use llm2api_tests::cutter::{Answers, Cut, Cutter};
//! use llm2api_tests::{Options, Simulator};
//!
//! let upstream = Simulator::start(Options::default()).await?;
//! let cutter = Cutter::start(&upstream.url()).await?;
//! // The answer is cut after 100 bytes, and so is what takes it up again, by a reset.
//! cutter.plan([Cut::new(Answers::Sends, 100), Cut::new(Answers::Streams, 100).by_reset()]);
//! assert!(cutter.passed().is_empty());
//! # Ok(()) }
//! ```

mod plan;
mod proxy;
mod relay;
mod requests;
#[cfg(test)]
mod tests;

pub use plan::{Answers, Cut};
pub use proxy::{Cutter, Passed};
