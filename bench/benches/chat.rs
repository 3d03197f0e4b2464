//! From the bytes of a request to its types, and from a chunk to bytes.

use std::sync::Arc;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use llm2api_bench::request;
use llm2api_core::{ChatRequest, Chunk, ChunkBody};

fn main() {
    divan::main();
}

/// A request with this many messages.
#[divan::bench(args = [1, 10, 100])]
fn parse_request(bencher: Bencher<'_, '_>, messages: usize) {
    let body = request(messages);
    bencher
        .counter(BytesCount::new(body.len()))
        .bench(|| ChatRequest::from_json(black_box(&body)).expect("the request is sound"));
}

/// A chunk of text, made and written.
#[divan::bench]
fn write_chunk(bencher: Bencher<'_, '_>) {
    let model: Arc<str> = "meta-llama/Meta-Llama-3.1-70B-Instruct".into();
    let id: Arc<str> = "chatcmpl-8f1c".into();
    let mut out = Vec::with_capacity(512);
    bencher.bench_local(|| {
        out.clear();
        let body = ChunkBody::text(id.clone(), model.clone(), black_box(" the"));
        Chunk::from(body.with_created(1_767_225_600)).write_json(&mut out);
        out.len()
    });
}
