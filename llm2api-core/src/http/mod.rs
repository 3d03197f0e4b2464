//! HTTP towards upstreams: a careful client, and the two framings that answers come in.
//!
//! The decoders are pure: bytes are pushed in, events or lines are taken out, any split of the
//! bytes gives the same result, and every size has an end.

mod body;
#[cfg_attr(not(feature = "chat-ui"), expect(dead_code, reason = "each upstream uses a part of it"))]
mod client;
mod fetch;
mod jsonl;
mod lines;
mod poster;
mod retry_after;
mod sse;
#[cfg_attr(not(feature = "openai"), expect(dead_code, reason = "each upstream uses a part of it"))]
mod wire;

pub(crate) use body::BodyStream;
pub(crate) use client::{HttpClient, Response, Wait};
pub use fetch::{Page, PageKind, PublicFetcher, is_public};
pub use jsonl::JsonLines;
pub use poster::{Posted, Poster};
pub use sse::{Event, SseDecoder};
#[cfg(any(feature = "chat-ui", feature = "openai"))]
pub(crate) use wire::Request;
#[cfg(feature = "openai")]
pub(crate) use wire::Target;

#[cfg(test)]
mod tests;
