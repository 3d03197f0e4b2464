//! A server between an upstream and a SearXNG, and how it is asked.

use llm2api_tests::processes::{CHAT_UI, MODEL, OPENAI, Outcome, Stage};
use llm2api_tests::{Options, Received, Simulator};
use serde_json::{Value, json};

/// Where every chat is searched for.
pub(crate) const WEB: &str = "/web/v1/chat/completions";
/// Where a chat is searched for that asks for it.
pub(crate) const CHAT: &str = "/v1/chat/completions";
/// Every kind of upstream, in both modes.
pub(crate) const LANES: [(&str, bool); 4] =
    [(OPENAI, true), (OPENAI, false), (CHAT_UI, true), (CHAT_UI, false)];

/// A server, its upstream, and a SearXNG that is played.
pub(crate) struct Searching {
    pub(crate) stage: Stage,
    pub(crate) searxng: Simulator,
}

impl Searching {
    /// Starts all of them; the server gets more settings by environment.
    pub(crate) async fn start(kind: &str, settings: &[(&str, &str)]) -> Self {
        let searxng = Simulator::start(Options::default()).await.expect("the simulator listens");
        let stage = before(kind, &searxng.searxng_url(), settings).await;
        Self { stage, searxng }
    }

    /// Asks with `fields` in the body beside the model.
    pub(crate) async fn ask(&self, path: &str, fields: &Value) -> Outcome {
        ask(&self.stage, path, fields).await
    }

    /// Asks one question where every chat is searched for.
    pub(crate) async fn web(&self, text: &str, stream: bool) -> Outcome {
        web(&self.stage, text, stream).await
    }

    /// What was searched for, in order.
    pub(crate) fn queries(&self) -> Vec<String> {
        let searches = self.searxng.log().searches().into_iter();
        searches.map(|search| search.q.expect("every search has a query")).collect()
    }
}

/// Starts a server and its upstream; it searches at `url`.
pub(crate) async fn before(kind: &str, url: &str, settings: &[(&str, &str)]) -> Stage {
    let own = [("SEARXNG_URL", url)];
    Stage::start(kind, Options::default(), &[&own, settings].concat()).await
}

/// Asks with `fields` in the body beside the model.
pub(crate) async fn ask(stage: &Stage, path: &str, fields: &Value) -> Outcome {
    let mut body = json!({"model": MODEL});
    let fields = fields.as_object().expect("the fields of a body").clone();
    body.as_object_mut().expect("an object").extend(fields);
    Outcome::to(&stage.server.api, path, &body).await
}

/// Asks one question where every chat is searched for.
pub(crate) async fn web(stage: &Stage, text: &str, stream: bool) -> Outcome {
    ask(stage, WEB, &json!({"messages": [user(text)], "stream": stream})).await
}

/// A turn of the person.
pub(crate) fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

/// The messages of all completions that an OpenAI-compatible upstream was asked for.
pub(crate) fn prompts(upstream: &Simulator) -> Vec<Value> {
    let requests = upstream.log().requests.into_iter();
    requests.filter(Received::is_send).map(|one| one.json()["messages"].clone()).collect()
}
