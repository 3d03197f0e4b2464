//! However the bytes are split, the same events come out.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llm2api_core::http::{Event, SseDecoder};

const LIMIT: usize = 256;

/// The events, and whether the stream broke.
fn decode(pieces: &[&[u8]]) -> (Vec<Event>, bool) {
    let mut decoder = SseDecoder::new(LIMIT);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        loop {
            match decoder.next() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(_) => return (events, true),
            }
        }
    }
    (events, false)
}

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, body) = input;
    let whole = decode(&[body]);
    for event in &whole.0 {
        assert!(event.data.len() <= LIMIT, "an event over the limit came out");
        assert!(!event.data.contains(&b'\r'), "a line end came out");
    }
    let (head, tail) = body.split_at(usize::from(cut).min(body.len()));
    assert_eq!(decode(&[head, tail]), whole, "cut at {cut}");
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(decode(&bytes), whole, "byte by byte");
});
