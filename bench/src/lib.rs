//! What the benchmarks work on: run them with `cargo bench -p llm2api-bench`.
//!
//! Beside them there are two programs: `load`, the upstream and the clients of a gateway, and `paths`,
//! which runs the whole server for its instructions to be counted. `bench/README.md` says how.

pub mod load;
pub mod upstream;
pub mod wire;

use bytes::Bytes;

/// Chunks in one streamed answer.
pub const CHUNKS: usize = 100;

/// One chunk as an OpenAI-compatible upstream sends it.
pub const CHUNK: &str = r#"{"id":"chatcmpl-8f1c","object":"chat.completion.chunk","created":1767225600,"model":"meta-llama/Meta-Llama-3.1-70B-Instruct","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":" internationalization"},"logprobs":null,"finish_reason":null}]}"#;

/// One line of chat-ui's stream, with the padding that it puts around short tokens.
pub const LINE: &str = "{\"type\":\"stream\",\"token\":\" the\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\"}";

/// The body of a streamed answer as server-sent events.
///
/// ```
/// assert!(llm2api_bench::events().starts_with(b"data: {"));
/// ```
pub fn events() -> Bytes {
    format!("data: {CHUNK}\n\n").repeat(CHUNKS).into()
}

/// The body of a streamed answer with this many chunks of text, whole: it ends with a reason.
///
/// ```
/// assert!(llm2api_bench::answer(2).ends_with(b"\n\ndata: [DONE]\n\n"));
/// ```
pub fn answer(chunks: usize) -> Bytes {
    let text = format!("data: {CHUNK}\n\n").repeat(chunks);
    let end = CHUNK.replace(r#""finish_reason":null"#, r#""finish_reason":"stop""#);
    let end = end.replace(r#"{"content":" internationalization"}"#, "{}");
    format!("{text}data: {end}\n\ndata: [DONE]\n\n").into()
}

/// The body of a streamed answer as lines of JSON.
///
/// ```
/// assert!(llm2api_bench::lines().ends_with(b"\n"));
/// ```
pub fn lines() -> Bytes {
    format!("{LINE}\n").repeat(CHUNKS).into()
}

/// The body of a request with this many messages.
///
/// ```
/// let request = llm2api_core::ChatRequest::from_json(&llm2api_bench::request(3)).unwrap();
/// assert_eq!(request.messages.len(), 3);
/// ```
pub fn request(messages: usize) -> Bytes {
    let message =
        r#"{"role":"user","content":"Tell me a story about a fox, a dog and a \"hedge\"."}"#;
    let messages = vec![message; messages].join(",");
    format!(r#"{{"model":"demo","stream":true,"temperature":0.7,"messages":[{messages}]}}"#).into()
}

/// Prints the result of a program.
#[expect(clippy::print_stdout, reason = "it is what the program is for")]
pub fn tell(line: &str) {
    println!("{line}");
}
