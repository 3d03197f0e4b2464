//! What the server tells of itself: log lines on stderr.

mod logs;
mod tracer;

pub use logs::init;
pub(crate) use tracer::place;
