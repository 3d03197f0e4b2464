//! `GET /conversation/ID/stream`: reading a generation again, as real server-sent events; and the
//! feed of what is under way.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::conversations::own;
use super::generation::Generation;
use super::routes::{Call, conversation_of, dress};
use super::{errors, page};
use crate::http::{Exchange, Reply};
use crate::lock::lock;

/// Time between the two looks of the live feed.
const BEAT: Duration = Duration::from_secs(2);
/// What is sent in turn while nothing happens: a comment, as recorded, and an event of that name,
/// as other versions have it.
const HEARTBEATS: [&str; 2] = [": heartbeat\n\n", "event: heartbeat\ndata: {}\n\n"];

/// Whether a request wants one of these streams.
pub(super) fn is_stream(call: &Call<'_>) -> bool {
    let stream = conversation_of(call.request).is_some_and(|(_, rest)| rest == "stream");
    let live = call.request.path == "/api/v2/generations/live";
    call.is_v2() && call.request.method() == "GET" && (stream || live)
}

/// Answers it.
pub(super) async fn stream(call: &Call<'_>, exchange: &mut Exchange<'_>) -> io::Result<()> {
    let streamed = match conversation_of(call.request) {
        None => live(call, exchange).await,
        Some((id, _)) => match find(call, id) {
            Ok(generation) => replay(call, exchange, generation).await,
            Err(refused) => {
                let reply = dress(call.options, call.request, Some(call.visitor), refused);
                return exchange.reply(reply).await;
            }
        },
    };
    if streamed.is_err() {
        call.state.log.aborted();
    }
    streamed
}

fn find(call: &Call<'_>, id: &str) -> Result<Option<Arc<Generation>>, Reply> {
    if !call.options.reattach {
        return Err(page::app(404));
    }
    own(call, id, |_| ())?;
    let Some(wanted) = call.request.query_value("generationId") else {
        return Err(errors::message(400, "Invalid request"));
    };
    let memory = lock(&call.state.memory);
    Ok(memory.generations.get(&wanted).filter(|one| one.conversation == id).cloned())
}

async fn replay(
    call: &Call<'_>,
    exchange: &mut Exchange<'_>,
    generation: Option<Arc<Generation>>,
) -> io::Result<()> {
    exchange.head(200, &headers()).await?;
    let generation = generation.filter(|_| call.options.events_recorded);
    let Some(generation) = generation else { return end(exchange, "gone").await };
    let mut number = first_number(call);
    let mut changes = generation.follow();
    let mut heartbeats = HEARTBEATS.into_iter().cycle();
    let life = lifetime(call.options.reattach_lifetime_ms);
    tokio::pin!(life);
    loop {
        changes.mark_unchanged();
        let (updates, ended) = generation.recorded_after(number);
        for update in updates {
            number += 1;
            let event = format!("id: {number}\nevent: update\ndata: {update}\n\n");
            exchange.body(event.as_bytes()).await?;
        }
        if let Some(status) = ended {
            return end(exchange, status).await;
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep(call.options.heartbeat_every) => {
                exchange.body(heartbeats.next().unwrap_or_default().as_bytes()).await?;
            }
            () = exchange.gone() => return Err(io::ErrorKind::BrokenPipe.into()),
            () = &mut life => return exchange.end().await,
        }
    }
}

/// Waits until a stream has lived long enough.
async fn lifetime(millis: Option<u64>) {
    match millis {
        Some(millis) => sleep(Duration::from_millis(millis)).await,
        None => pending().await,
    }
}

/// What the client has already: `fromSeq`, or `Last-Event-ID`.
fn first_number(call: &Call<'_>) -> usize {
    let header = call.request.header("last-event-id").map(str::to_owned);
    let given = call.request.query_value("fromSeq").or(header);
    given.and_then(|given| given.parse().ok()).unwrap_or(0)
}

async fn end(exchange: &mut Exchange<'_>, status: &str) -> io::Result<()> {
    let data = json!({"status": status});
    exchange.body(format!("event: end\ndata: {data}\n\n").as_bytes()).await?;
    exchange.end().await
}

async fn live(call: &Call<'_>, exchange: &mut Exchange<'_>) -> io::Result<()> {
    exchange.head(200, &headers()).await?;
    loop {
        let running = running(call);
        let data = json!({"running": running, "ended": []});
        exchange.body(format!("event: sync\ndata: {data}\n\n").as_bytes()).await?;
        exchange.sleep(BEAT).await?;
        if running.is_empty() {
            break;
        }
    }
    exchange.body(b"event: idle\ndata: {}\n\n").await?;
    exchange.end().await
}

fn running(call: &Call<'_>) -> Vec<serde_json::Value> {
    let memory = lock(&call.state.memory);
    let under_way: Vec<_> =
        memory.generations.values().filter(|one| !one.has_ended()).cloned().collect();
    let mine = memory.conversations.iter().filter(|one| one.owner == call.visitor.owner());
    mine.filter(|one| under_way.iter().any(|other| other.conversation == one.id))
        .map(|one| json!({"conversationId": one.id, "title": one.title}))
        .collect()
}

fn headers() -> Vec<(String, String)> {
    let headers = [
        ("Vary", "Accept-Encoding"),
        ("cache-control", "no-cache, no-transform"),
        ("content-type", "text/event-stream"),
        ("x-accel-buffering", "no"),
    ];
    headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}
