//! A repair gives JSON and changes none, and JSON is found where it begins.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm2api_core::adapt::json::{find, repair};
use serde_json::Value;

fuzz_target!(|text: &str| {
    let repaired = repair(text);
    if serde_json::from_str::<Value>(text).is_ok() {
        assert_eq!(repaired.as_deref(), Some(text.trim()), "JSON was changed");
    }
    if let Some(json) = repaired {
        assert!(serde_json::from_str::<Value>(&json).is_ok(), "not JSON: {json}");
        assert_eq!(repair(&json).as_ref(), Some(&json), "changed again");
    }
    if let Some(range) = find(text) {
        let found = &text[range];
        assert!(found.starts_with(['{', '[']), "neither object nor array: {found}");
        let _ = repair(found);
    }
});
