//! Server-sent events: the frames, the signs of life, and an end that nobody mistakes.

mod events;

pub(crate) use events::{Encode, Events};

/// Appends one event with a name, the form that both newer dialects use.
pub(crate) fn write_named(name: &str, value: &impl serde::Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    serde_json::to_writer(&mut *out, value)
        .expect("a Vec takes every byte, and events have string keys only");
    out.extend_from_slice(b"\n\n");
}
