//! `POST /conversation/ID/stop-generating`.

use serde_json::Value;
use tokio::time::Instant;

use super::conversations::own;
use super::generation::Stop;
use super::routes::Call;
use crate::http::Reply;
use crate::lock::lock;
use crate::log::StopCall;

/// Stops the generation under way. With none, a mark is left that stops the next one; the 2024
/// family does nothing at all.
pub(super) fn stop(call: &Call<'_>, id: &str) -> Reply {
    if let Err(refused) = own(call, id, |_| ()) {
        return refused;
    }
    let body: Value = serde_json::from_slice(call.request.body()).unwrap_or_default();
    let generation = body["generationId"].as_str().map(str::to_owned);
    let seen = body["seenContentLength"].as_u64();
    let running = find_and_stop(call, id, generation.as_deref(), Stop { seen });
    let conversation = id.to_owned();
    call.state.log.note(|log| {
        let seen_content_length = seen;
        log.stop_calls.push(StopCall { conversation, generation, seen_content_length, running });
    });
    Reply::empty(200)
}

/// Whether a generation was under way; it is told to stop.
fn find_and_stop(call: &Call<'_>, id: &str, generation: Option<&str>, stop: Stop) -> bool {
    let mut memory = lock(&call.state.memory);
    let running: Vec<_> = memory
        .generations
        .values()
        .filter(|one| one.conversation == id && !one.has_ended())
        .filter(|one| generation.is_none_or(|wanted| wanted == one.id))
        .cloned()
        .collect();
    if !call.is_v2() {
        return !running.is_empty();
    }
    if running.is_empty() {
        memory.stop_marks.insert(id.to_owned(), Instant::now());
    }
    for one in &running {
        one.stop(stop);
    }
    !running.is_empty()
}
