//! Reads one streamed answer of the OpenAI-compatible service at a URL, for
//! `tools/python_chunks.py`, which compares what a chunk costs here and in Python.

use futures::StreamExt;
use llm2api_core::{ChatItem, ChatRequest, Client, Message, UpstreamConfig};

#[tokio::main]
async fn main() -> llm2api_core::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_default();
    let upstream = UpstreamConfig::new("openai", "openai").with_url(url);
    let client = Client::builder().with_upstream(upstream).build().await?;
    let model = "meta-llama/Meta-Llama-3.1-70B-Instruct";
    let request = ChatRequest::new(model).with_message(Message::user("Hello")).with_stream(true);
    let mut answer = client.chat(request).await?;
    let mut letters = 0;
    while let Some(item) = answer.next().await {
        if let ChatItem::Chunk(chunk) = item? {
            letters += chunk.text().len();
        }
    }
    assert!(letters > 0, "the answer has text");
    Ok(())
}
