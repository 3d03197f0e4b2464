//! A request that is over, as it is told of.

use std::fmt;

use llm2api_core::Client;
use llm2api_core::chat::TraceContext;
use llm2api_core::chat::trail::{Step, Trail};
use tracing::info;

use crate::clock::{micros, millis};
use crate::journal::Entry;

/// A request that is over, with its place in a trace and the attempts that were made for it.
pub(crate) struct Ended<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) place: &'a TraceContext,
    pub(crate) steps: Vec<Step>,
    client: Option<&'a Client>,
}

impl<'a> Ended<'a> {
    /// Looks up what was noted of the attempts; `client` is the engine that made them.
    pub(super) fn new(
        entry: &'a Entry,
        place: &'a TraceContext,
        client: Option<&'a Client>,
    ) -> Self {
        let steps = entry.trail.as_ref().map(Trail::steps).unwrap_or_default();
        Self { entry, place, steps, client }
    }

    /// Returns the model that was asked for, where it is one: a name that no upstream knows is the
    /// client's text, which neither logs nor traces take.
    pub(crate) fn model(&self) -> Option<&str> {
        self.entry.model.as_deref().filter(|_| self.entry.model_is_known)
    }

    /// Returns the attempts for the request itself: what was asked for a search is left out.
    pub(crate) fn attempts(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.steps.iter().filter(|step| !step.aside)
    }

    /// Returns what people call an account, or else its id.
    pub(crate) fn account(&self, step: &Step) -> String {
        let label = self.client.and_then(|client| client.accounts().label(&step.credential));
        label.filter(|label| !label.is_empty()).unwrap_or_else(|| step.credential.to_string())
    }

    /// Writes the line of the request into the log.
    pub(super) fn write(&self) {
        let Entry { tokens, duration, first_content, overhead, .. } = self.entry;
        let last = self.attempts().next_back();
        info!(
            request_id = self.entry.id,
            trace_id = self.place.trace_text(),
            method = self.entry.method.as_str(),
            route = self.entry.route.as_deref(),
            status = self.entry.status,
            model = self.model(),
            key = self.entry.key.as_deref(),
            credential = last.map(|step| self.account(step)),
            upstream = last.map(|step| &*step.upstream),
            attempts = last.map(|_| self.attempts().count()),
            time_to_first_token_ms = first_content.map(millis),
            duration_ms = millis(*duration),
            overhead_us = overhead.map(micros),
            prompt_tokens = tokens.map(|tokens| tokens.prompt),
            completion_tokens = tokens.map(|tokens| tokens.completion),
            tokens_estimated = tokens.map(|tokens| tokens.estimated),
            code = self.entry.code,
            error = self.entry.error.as_deref(),
            "answered a request"
        );
    }
}

impl fmt::Debug for Ended<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended").field("entry", self.entry).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use llm2api_core::{Call, ChatRequest, Message};
    use tracing::subscriber::set_default;

    use super::*;
    use crate::edge::{Record, TokenCount};
    use crate::openai::error::Failure;
    use crate::telemetry::{JsonLines, Tracer};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    /// What is logged, together.
    #[derive(Clone)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Runs `request`, and returns what it has logged.
    async fn logged(request: impl AsyncFnOnce(Record)) -> String {
        let text = Arc::new(Mutex::new(Vec::new()));
        let format = tracing_subscriber::fmt().json().event_format(JsonLines::new(()));
        let lines = Lines(text.clone());
        let _guard = set_default(format.with_writer(move || lines.clone()).finish());
        let record = Record::of("req_1");
        let place = TraceContext::parse(PARENT, None).expect("valid").child();
        record.trace(place, Tracer::default());
        record.route("/v1/chat/completions".into());
        request(record).await;
        let text = text.lock().expect("not poisoned").clone();
        String::from_utf8(text).expect("is text").replace(r#""timestamp":"","#, "")
    }

    async fn chat(record: Record, reads_all: bool) -> Trail {
        let client = Client::builder().build().await.expect("the demo needs nothing");
        let mut chat = ChatRequest::new("demo").with_message(Message::user("canary-asked"));
        let trail = record.ask(&client, true);
        chat.call = Call::new(record.id()).with_trail(trail.clone());
        let count = TokenCount::new(record.clone(), chat.text_bytes());
        let answer = count.follow(client.chat(chat.with_stream(true)).await.expect("an answer"));
        record.wish("demo");
        record.know_model();
        record.answered(200);
        if reads_all {
            assert!(answer.collect().await.expect("whole").text().contains("canary-asked"));
            record.complete();
        }
        trail
    }

    #[tokio::test(start_paused = true)]
    async fn a_chat_leaves_one_line_without_content() {
        let mut trail = Trail::new();
        let line = logged(async |record| trail = chat(record, true).await).await;
        assert!(!line.contains("canary"), "{line}");
        // Nobody has named the account of the demo, so it goes by its id, which is random.
        let line = line.replace(&*trail.steps()[0].credential, "cred_1");
        insta::assert_snapshot!(line);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_is_said_to_have_left() {
        let line = logged(async |record| drop(chat(record, false).await)).await;
        assert!(line.contains(r#""code":"client_left""#), "{line}");
        assert!(line.contains(r#""attempts":1"#) && !line.contains("canary"), "{line}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_leaves_a_line_of_what_is_known() {
        let refuse = async |record: Record| {
            record.answered(400);
            record.fail(Failure::too_many("messages", 3));
            record.complete();
        };
        insta::assert_snapshot!(logged(refuse).await);
    }
}
