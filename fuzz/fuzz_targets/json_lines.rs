//! However the bytes are split, the same lines come out.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llm2api_core::http::JsonLines;

const LIMIT: usize = 256;

/// The lines, what stood after the last line feed, and whether the stream broke.
fn decode(pieces: &[&[u8]]) -> (Vec<Bytes>, Option<Bytes>, bool) {
    let mut decoder = JsonLines::new(LIMIT);
    let mut lines = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        loop {
            match decoder.next() {
                Ok(Some(line)) => lines.push(line),
                Ok(None) => break,
                Err(_) => return (lines, None, true),
            }
        }
    }
    (lines, decoder.rest(), false)
}

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, body) = input;
    let whole = decode(&[body]);
    for line in whole.0.iter().chain(&whole.1) {
        assert!(!line.is_empty() && !line.contains(&b'\n'), "not one line");
        assert_eq!(line.trim_ascii(), &line[..], "blanks around a line");
    }
    assert!(whole.0.iter().all(|line| line.len() <= LIMIT), "a line over the limit came out");
    let (head, tail) = body.split_at(usize::from(cut).min(body.len()));
    assert_eq!(decode(&[head, tail]), whole, "cut at {cut}");
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(decode(&bytes), whole, "byte by byte");
});
