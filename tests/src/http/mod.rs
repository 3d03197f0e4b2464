//! A small HTTP/1.1 server that can misbehave byte by byte.

mod connection;
mod exchange;
mod multipart;
mod reply;
mod request;
mod serve;

pub(crate) use connection::Connection;
pub(crate) use exchange::Exchange;
pub(crate) use multipart::{Part, parse as parse_multipart};
pub(crate) use reply::Reply;
pub(crate) use request::{Request, decode_percent};
pub(crate) use serve::accept;
