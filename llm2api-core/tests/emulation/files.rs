//! Files reach an upstream that takes text as text.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use llm2api_core::adapt::files::{DocumentKind, Extract};
use llm2api_core::{ChatRequest, Client, Message, Result};
use serde_json::json;

use crate::model::{FAILS, Script};

/// Reads every document alike, and counts them.
#[derive(Debug, Default)]
struct Reader {
    read: AtomicU32,
}

#[async_trait]
impl Extract for Reader {
    async fn text(&self, _: DocumentKind, _: Bytes) -> Result<String> {
        self.read.fetch_add(1, Ordering::Relaxed);
        Ok("what the document says".into())
    }
}

#[tokio::test]
async fn a_document_is_read_once_for_all_attempts_of_a_call() {
    let reader = Arc::new(Reader::default());
    let script = Script::new([FAILS, "Read."]);
    let builder = script.join(Client::builder(), "text").with_extractor(reader.clone());
    let client = builder.build().await.expect("a client");
    let file = json!({"role": "user", "content": [{"type": "file",
        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjcK"}}]});
    let message: Message = serde_json::from_value(file).expect("a message");
    let answer = client.chat(ChatRequest::new("text").with_message(message)).await;
    assert_eq!(answer.expect("an answer").collect().await.expect("whole").text(), "Read.");
    assert_eq!(script.asked().len(), 2, "the first attempt failed");
    assert!(script.heard().contains("what the document says"), "{}", script.heard());
    assert_eq!(reader.read.load(Ordering::Relaxed), 1);
}
