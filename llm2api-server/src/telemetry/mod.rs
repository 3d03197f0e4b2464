//! What the server tells of itself: log lines on stderr, and traces to a collector.

mod json;
mod logs;
#[cfg_attr(not(feature = "otel"), path = "otel/absent.rs")]
mod otel;
mod tracer;

use std::error::Error;

#[cfg(test)]
pub(crate) use json::JsonLines;
pub use logs::init;
pub(crate) use otel::Export;
pub(crate) use tracer::Tracer;

/// Why no traces can be sent.
pub(crate) type TraceError = Box<dyn Error + Send + Sync>;
