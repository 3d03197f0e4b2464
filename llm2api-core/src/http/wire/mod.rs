//! HTTP/1.1 as a client speaks it, one call a connection at a time.
//!
//! reqwest runs each connection in a task of its own and hands the body over through a channel: two
//! wake-ups and several allocations for every chunk of an answer. Here whoever reads an answer reads
//! the socket itself. Connecting and finding proxies is hyper-util's, TLS rustls's, and parsing heads
//! httparse's.

mod conn;
mod connect;
mod error;
mod exchange;
mod framing;
mod head;
mod idle;
mod request;
mod target;

pub(super) use connect::Connector;
pub(super) use error::WireError;
pub(super) use exchange::{Wire, WireBody};
pub(super) use head::Head;
pub(crate) use request::Request;
pub(crate) use target::Target;

#[cfg(test)]
mod tests;
