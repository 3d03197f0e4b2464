//! What a streamed answer of an OpenAI-compatible service costs, all the way through the engine.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use divan::Bencher;
use divan::counter::ItemsCount;
use futures::StreamExt;
use llm2api_bench::answer;
use llm2api_core::{ChatItem, ChatRequest, Client, Message, UpstreamConfig};
use tokio::runtime::{Builder, Runtime};

fn main() {
    divan::main();
}

/// Starts a service that answers every request with this stream, and returns its URL.
fn serve(events: &[u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n",
        events.len()
    );
    let reply = [head.as_bytes(), events].concat();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let reply = reply.clone();
            // A client that leaves ends its connection, and no more.
            thread::spawn(move || drop(talk(connection, &reply)));
        }
    });
    url
}

fn talk(mut connection: TcpStream, reply: &[u8]) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut requests = BufReader::new(connection.try_clone()?);
    while let Some(length) = head(&mut requests)? {
        io::copy(&mut requests.by_ref().take(length), &mut io::sink())?;
        connection.write_all(reply)?;
    }
    Ok(())
}

/// Reads the head of a request, and returns the length of its body; none at the end.
fn head(requests: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut length = 0;
    let mut line = String::new();
    while requests.read_line(&mut line)? > 0 {
        let field = line.trim_end().to_ascii_lowercase();
        if field.is_empty() {
            return Ok(Some(length));
        }
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        line.clear();
    }
    Ok(None)
}

fn client(runtime: &Runtime, url: String) -> Client {
    let upstream = UpstreamConfig::new("openai", "openai").with_url(url);
    let client = Client::builder().with_upstream(upstream).build();
    runtime.block_on(client).expect("a client")
}

/// Asks, reads to the end, and returns how many chunks had content.
async fn read(client: &Client, request: ChatRequest) -> usize {
    let mut answer = client.chat(request).await.expect("an answer");
    let mut count = 0;
    while let Some(item) = answer.next().await {
        count += usize::from(matches!(item, Ok(ChatItem::Chunk(chunk)) if chunk.has_content()));
    }
    count
}

/// So many chunks that differ in their text at most.
#[divan::bench(args = [1, 200])]
fn stream(bencher: Bencher<'_, '_>, chunks: usize) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let client = client(&runtime, serve(&answer(chunks)));
    let request = ChatRequest::new("demo").with_message(Message::user("Hello")).with_stream(true);
    bencher.counter(ItemsCount::new(chunks)).with_inputs(|| request.clone()).bench_local_values(
        |request| {
            assert_eq!(runtime.block_on(read(&client, request)), chunks);
        },
    );
}
