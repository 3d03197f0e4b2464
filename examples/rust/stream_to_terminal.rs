//! Streams an answer to the terminal, through the core alone: no server, no account.
//!
//! `cargo run -p examples --example stream_to_terminal -- "What do you do?"`

use std::io::{Write, stdout};

use futures::StreamExt;
use llm2api_core::{ChatItem, ChatRequest, Client, Message, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let question = std::env::args().nth(1).unwrap_or_else(|| "Hello!".into());
    let client = Client::builder().build().await?; // without an upstream: the built-in demo
    let request = ChatRequest::new("demo").with_message(Message::user(question)).with_stream(true);
    let mut answer = client.chat(request).await?;
    while let Some(item) = answer.next().await {
        if let ChatItem::Chunk(chunk) = item? {
            write!(stdout(), "{}", chunk.text()).and_then(|()| stdout().flush()).ok();
        }
    }
    writeln!(stdout()).ok();
    Ok(())
}
