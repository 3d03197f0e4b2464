//! A request that was read can be written, and reading that gives the same request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm2api_core::ChatRequest;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let Ok(request) = ChatRequest::from_json(body) else { return };
    assert!(!request.model.is_empty() && !request.messages.is_empty());
    let written = serde_json::to_vec(&request).expect("a request can be written");
    let again = ChatRequest::from_json(&written).expect("what was written can be read");
    let value = |request: &ChatRequest| serde_json::to_value(request).expect("has string keys");
    assert_eq!(value(&again), value(&request));
    let sent: Value = serde_json::from_slice(body).expect("the body is JSON");
    assert_eq!(sent["model"], value(&request)["model"]);
});
