//! Requests as JSON: what is known of each but what was said. Null where nothing is known.

use std::time::Duration;

use llm2api_core::chat::Others;
use llm2api_core::chat::trail::{
    ChosenBy, Excluded, Next, Selection, Step, StepEnd, Trail, TrailNotes, Weighed,
};
use serde::Serialize;

use super::names::Names;
use crate::clock::{micros, millis};
use crate::journal;

/// One request. Times end in their unit, and count from when it began.
#[derive(Debug, Serialize)]
pub(in crate::routes) struct Entry {
    id: String,
    /// When it began, in milliseconds since 1970.
    at_ms: u64,
    route: Option<String>,
    method: String,
    status: Option<u16>,
    model: Option<String>,
    key: Option<Key>,
    streamed: bool,
    duration_ms: u64,
    first_content_ms: Option<u64>,
    overhead_us: Option<u64>,
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    tokens_estimated: Option<bool>,
    code: Option<String>,
    error: Option<String>,
    attempts: Vec<Attempt>,
}

#[derive(Debug, Serialize)]
struct Key {
    id: String,
    name: Option<String>,
}

/// One attempt with one credential.
#[derive(Debug, Serialize)]
struct Attempt {
    upstream: String,
    model: String,
    credential: String,
    label: Option<String>,
    at_ms: u64,
    first_content_ms: Option<u64>,
    end_ms: Option<u64>,
    result: &'static str,
    code: Option<String>,
    error: Option<String>,
    status: Option<u16>,
    aside: bool,
    then: Option<String>,
}

/// A request with how its credentials were chosen.
#[derive(Debug, Serialize)]
pub(super) struct Explained {
    #[serde(flatten)]
    entry: Entry,
    choices: Vec<Choice>,
}

/// How one credential was chosen, or why none.
#[derive(Debug, Serialize)]
struct Choice {
    at_ms: u64,
    waited_ms: u64,
    aside: bool,
    credential: Option<String>,
    label: Option<String>,
    upstream: Option<String>,
    model: Option<String>,
    by: Option<&'static str>,
    refusal: Option<String>,
    favourite: Option<String>,
    considered: Vec<Considered>,
    excluded: Vec<Out>,
    not_listed: usize,
}

#[derive(Debug, Serialize)]
struct Considered {
    credential: String,
    label: Option<String>,
    upstream: String,
    in_flight: u32,
    max_concurrency: u32,
    share: u32,
    latency_ms: Option<u64>,
    turn: u64,
    cost: u64,
    drawn: bool,
    chosen: bool,
}

/// A credential that could not take the call.
#[derive(Debug, Serialize)]
struct Out {
    credential: String,
    label: Option<String>,
    upstream: String,
    reason: String,
    /// Seconds since 1970.
    until: Option<u64>,
}

impl Entry {
    /// Shows a request by what its ids are called now.
    pub(in crate::routes) fn new(entry: &journal::Entry, names: &Names<'_>) -> Self {
        let notes = entry.trail.as_ref().map(Trail::notes).unwrap_or_default();
        Self::with_notes(entry, &notes, names)
    }

    fn with_notes(entry: &journal::Entry, notes: &TrailNotes, names: &Names<'_>) -> Self {
        let tokens = entry.tokens;
        let key = |id: &str| Key { id: id.to_owned(), name: names.key(id) };
        let attempt = |step| Attempt::new(step, entry.asked_after, names);
        Self {
            id: entry.id.clone(),
            at_ms: entry.at_ms,
            route: entry.route.as_deref().map(str::to_owned),
            method: entry.method.to_string(),
            status: entry.status,
            model: entry.model.clone(),
            key: entry.key.as_deref().map(key),
            streamed: entry.streams,
            duration_ms: millis(entry.duration),
            first_content_ms: entry.first_content.map(millis),
            overhead_us: entry.overhead.map(micros),
            prompt_tokens: tokens.map(|tokens| tokens.prompt),
            completion_tokens: tokens.map(|tokens| tokens.completion),
            tokens_estimated: tokens.map(|tokens| tokens.estimated),
            code: entry.code.map(str::to_owned),
            error: entry.error.clone(),
            attempts: notes.steps.iter().map(attempt).collect(),
        }
    }
}

impl Attempt {
    fn new(step: &Step, asked_after: Duration, names: &Names<'_>) -> Self {
        let at = |time: Duration| millis(asked_after + time);
        let failure = match &step.end {
            StepEnd::Failed(failure) => Some(failure),
            _ => None,
        };
        Self {
            upstream: step.upstream.to_string(),
            model: step.model.to_string(),
            credential: step.credential.to_string(),
            label: names.credential(&step.credential),
            at_ms: at(step.at),
            first_content_ms: step.first_content.map(at),
            end_ms: step.ended.map(at),
            result: step.end.as_str(),
            code: failure.map(|failure| failure.code.clone()),
            error: failure.map(|failure| failure.message.clone()),
            status: failure.and_then(|failure| failure.status),
            aside: step.aside,
            then: step.next.map(then),
        }
    }
}

/// Says what was to follow a failure.
fn then(next: Next) -> String {
    match next {
        Next::Retry { same_after: Some(wait), others: Others::None } => {
            format!("same credential in {} ms", millis(wait))
        }
        Next::Retry { others: Others::OtherUpstream, .. } => "other upstreams".to_owned(),
        Next::Retry { .. } => "other credentials".to_owned(),
        _ => "gave up".to_owned(),
    }
}

impl Explained {
    /// Shows a request, and why it went that way.
    pub(super) fn new(entry: &journal::Entry, names: &Names<'_>) -> Self {
        let notes = entry.trail.as_ref().map(Trail::notes).unwrap_or_default();
        let choice = |selection| Choice::new(selection, entry, &notes, names);
        Self {
            entry: Entry::with_notes(entry, &notes, names),
            choices: notes.selections.iter().map(choice).collect(),
        }
    }
}

impl Choice {
    fn new(
        selection: &Selection,
        entry: &journal::Entry,
        notes: &TrailNotes,
        names: &Names<'_>,
    ) -> Self {
        let taken = selection.taken.as_deref();
        // The attempt that came of it: the first with this credential from then on.
        let step = notes.steps.iter().find(|step| {
            Some(&*step.credential) == taken
                && step.at >= selection.at
                && step.aside == selection.aside
        });
        let began = Duration::from_millis(entry.at_ms) + entry.asked_after;
        Self {
            at_ms: millis(entry.asked_after + selection.at),
            waited_ms: millis(selection.waited),
            aside: selection.aside,
            credential: taken.map(str::to_owned),
            label: taken.and_then(|id| names.credential(id)),
            upstream: step.map(|step| step.upstream.to_string()),
            model: step.map(|step| step.model.to_string()),
            by: selection.by.and_then(by),
            refusal: selection.refusal.clone(),
            favourite: selection.favourite.as_deref().map(str::to_owned),
            considered: selection
                .candidates
                .iter()
                .map(|one| Considered::new(one, taken, names))
                .collect(),
            excluded: selection.excluded.iter().map(|one| Out::new(one, began, names)).collect(),
            not_listed: selection.not_listed,
        }
    }
}

fn by(chosen: ChosenBy) -> Option<&'static str> {
    match chosen {
        ChosenBy::LeastLoaded => Some("least-loaded"),
        ChosenBy::RoundRobin => Some("round-robin"),
        ChosenBy::Favourite => Some("favourite"),
        ChosenBy::SameAgain => Some("same-again"),
        _ => None,
    }
}

impl Considered {
    fn new(weighed: &Weighed, taken: Option<&str>, names: &Names<'_>) -> Self {
        Self {
            credential: weighed.credential.to_string(),
            label: names.credential(&weighed.credential),
            upstream: weighed.upstream.to_string(),
            in_flight: weighed.in_flight,
            max_concurrency: weighed.max_concurrency,
            share: weighed.share,
            latency_ms: weighed.latency.map(millis),
            turn: weighed.turn,
            cost: weighed.cost,
            drawn: weighed.drawn,
            chosen: taken == Some(&*weighed.credential),
        }
    }
}

impl Out {
    fn new(excluded: &Excluded, began: Duration, names: &Names<'_>) -> Self {
        Self {
            credential: excluded.credential.to_string(),
            label: names.credential(&excluded.credential),
            upstream: excluded.upstream.to_string(),
            reason: excluded.reason.clone(),
            until: excluded.until.map(|until| (began + until).as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use llm2api_core::{Call, ChatRequest, Message};
    use poem::http::Method;

    use super::*;
    use crate::edge::Tokens;
    use crate::routes::tests::state;

    /// A request with what does not differ from run to run.
    fn request() -> journal::Entry {
        journal::Entry {
            id: "req_1".into(),
            at_ms: 1_700_000_000_123,
            method: Method::POST,
            route: Some("/v1/chat/completions".into()),
            status: Some(200),
            model: Some("demo".into()),
            key: Some("key_1".into()),
            streams: true,
            duration: Duration::from_millis(560),
            first_content: Some(Duration::from_millis(230)),
            overhead: Some(Duration::from_micros(410)),
            tokens: Some(Tokens { prompt: 3, completion: 5, estimated: true }),
            ..journal::Entry::default()
        }
    }

    async fn explained(entry: &journal::Entry) -> String {
        let state = Arc::new(state(&[]).await);
        let explained = Explained::new(entry, &Names::of(&state.client));
        serde_json::to_string_pretty(&explained).expect("is JSON")
    }

    #[tokio::test]
    async fn a_request_that_never_came_to_the_engine_is_told_with_nulls() {
        let entry = journal::Entry {
            status: Some(400),
            code: Some("invalid_json"),
            model: None,
            key: None,
            tokens: None,
            ..request()
        };
        insta::assert_snapshot!(explained(&entry).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_told_with_its_attempts_and_choices() {
        let (state, trail) = (state(&[]).await, Trail::new());
        let mut chat = ChatRequest::new("demo").with_message(Message::user("Hello"));
        chat.call = Call::new("req_1").with_trail(trail.clone());
        let answer = state.client.chat(chat).await.expect("the demo answers");
        answer.collect().await.expect("whole");
        let entry = journal::Entry {
            trail: Some(trail),
            asked_after: Duration::from_millis(10),
            ..request()
        };
        insta::assert_snapshot!(explained(&entry).await);
    }

    #[test]
    fn what_follows_a_failure_is_told_in_words() {
        let retry = |same_after, others| then(Next::Retry { same_after, others });
        let wait = Some(Duration::from_millis(120));
        assert_eq!(retry(wait, Others::None), "same credential in 120 ms");
        assert_eq!(retry(wait, Others::Any), "other credentials");
        assert_eq!(retry(None, Others::OtherUpstream), "other upstreams");
        assert_eq!(then(Next::GiveUp), "gave up");
    }
}
