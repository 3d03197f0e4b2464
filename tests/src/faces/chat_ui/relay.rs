//! Sends a generation to the client that started it.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::gate;
use super::generation::Generation;
use super::routes::Call;
use super::wire;
use crate::http::Exchange;
use crate::options::Family;

/// Headers of the stream.
pub(super) fn headers(call: &Call<'_>) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let cookie = pair("set-cookie", gate::set_cookie(call.options, &call.visitor.cookie));
    match call.options.family {
        Family::V2 => vec![
            pair("Vary", "Accept-Encoding".to_owned()),
            pair("content-type", "application/jsonl".to_owned()),
            cookie,
        ],
        Family::Y2024 => vec![pair("content-type", "text/event-stream".to_owned()), cookie],
    }
}

/// Streams the generation until it ends or the client leaves; it goes on in any case.
pub(super) async fn relay(
    call: &Call<'_>,
    exchange: &mut Exchange<'_>,
    generation: &Generation,
) -> io::Result<()> {
    let streamed = stream(call, exchange, generation).await;
    if streamed.is_err() {
        call.state.log.aborted();
    }
    streamed
}

async fn stream(
    call: &Call<'_>,
    exchange: &mut Exchange<'_>,
    generation: &Generation,
) -> io::Result<()> {
    exchange.head(200, &headers(call)).await?;
    let mut changes = generation.follow();
    let every = call.options.keep_alive_every.max(Duration::from_millis(1));
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut place = 0;
    loop {
        changes.mark_unchanged();
        let (updates, end) = generation.since(place);
        if end.is_some() {
            exchange.settle();
        }
        for update in updates {
            write(exchange, update, place == 0).await?;
            place += 1;
        }
        if end.is_some() {
            return exchange.end().await;
        }
        tokio::select! {
            _ = changes.changed() => {}
            _ = ticks.tick() => line(exchange, &wire::keep_alive()).await?,
            () = exchange.gone() => return Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

/// Writes an update, and what follows it on the wire.
async fn write(exchange: &mut Exchange<'_>, update: Value, is_first: bool) -> io::Result<()> {
    let is_final = wire::is_final(&update);
    line(exchange, &wire::padded(update)).await?;
    if is_first {
        line(exchange, &wire::keep_alive()).await?;
    }
    if is_final {
        exchange.body(&[b' '; wire::SPACES]).await?;
    }
    Ok(())
}

async fn line(exchange: &mut Exchange<'_>, update: &Value) -> io::Result<()> {
    exchange.body(format!("{update}\n").as_bytes()).await
}
