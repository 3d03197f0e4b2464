//! What every request meets, whatever its path: an id, a log line, a net for panics.

mod ended;
mod endpoint;
mod record;
mod request_id;
mod spending;
mod tokens;

pub(crate) use ended::Ended;
pub(crate) use endpoint::Edge;
pub(crate) use record::Record;
pub(crate) use request_id::HEADER as REQUEST_ID;
pub(crate) use spending::Spending;
pub(crate) use tokens::{TokenCount, Tokens};
