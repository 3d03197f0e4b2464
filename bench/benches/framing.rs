//! From the bytes of a body to events and lines.

use bytes::Bytes;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use llm2api_bench::{CHUNKS, events, lines};
use llm2api_core::http::{JsonLines, SseDecoder};

const LIMIT: usize = 1 << 20;

fn main() {
    divan::main();
}

/// The body as the network hands it over: in pieces of this size.
fn pieces(body: &Bytes, size: usize) -> Vec<Bytes> {
    (0..body.len()).step_by(size).map(|at| body.slice(at..body.len().min(at + size))).collect()
}

/// Decodes a body of [`CHUNKS`] parts again and again; `decode` counts the parts.
fn run(bencher: Bencher<'_, '_>, body: &Bytes, size: usize, decode: impl Fn(Vec<Bytes>) -> usize) {
    let bencher = bencher.counter(ItemsCount::new(CHUNKS)).counter(BytesCount::new(body.len()));
    bencher
        .with_inputs(|| pieces(body, size))
        .bench_local_values(|pieces| assert_eq!(decode(pieces), CHUNKS));
}

/// Server-sent events, 100 a body.
#[divan::bench(args = [64, 1460, 65536])]
fn sse(bencher: Bencher<'_, '_>, size: usize) {
    run(bencher, &events(), size, |pieces| {
        let mut decoder = SseDecoder::new(LIMIT);
        let mut count = 0;
        for piece in pieces {
            decoder.push(piece);
            count += std::iter::from_fn(|| decoder.next().expect("the body is sound")).count();
        }
        count
    });
}

/// Lines of JSON, 100 a body.
#[divan::bench(args = [64, 1460, 65536])]
fn json_lines(bencher: Bencher<'_, '_>, size: usize) {
    run(bencher, &lines(), size, |pieces| {
        let mut decoder = JsonLines::new(LIMIT);
        let mut count = 0;
        for piece in pieces {
            decoder.push(piece);
            count += std::iter::from_fn(|| decoder.next().expect("the body is sound")).count();
        }
        count
    });
}
