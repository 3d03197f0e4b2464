//! How a simulator is set up.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::trouble::{Incident, Mark};

/// Settings of a [`Simulator`](crate::Simulator); every field has a default.
///
/// ```
/// use llm2api_tests::{Family, Options};
///
/// let options = Options { family: Family::Y2024, login: true, ..Options::default() };
/// assert_eq!(options.model_list().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the imitated service")]
pub struct Options {
    /// Address to listen on; loopback only. Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// Service that answers outside `/v1`. Default: chat-ui.
    pub face: Face,
    /// Version of chat-ui. Default: the one of 2026.
    pub family: Family,
    /// Whether chat-ui asks for a login. Default: no, so that any cookie is a session.
    pub login: bool,
    /// Sessions that are logged in. Default: none.
    pub sessions: Vec<Session>,
    /// Name of the session cookie. Default: `hf-chat`.
    pub cookie_name: String,
    /// Name of a second cookie without which a session is worth nothing. Default: none.
    pub coupled_cookie: Option<String>,
    /// Whether the 2024 family asks for its welcome modal to be accepted. Default: no.
    pub ethics_modal: bool,
    /// Whether the 2024 family serves `/api/…`. Default: yes.
    pub expose_api: bool,
    /// Whether a cut stream can be taken up again (newest family). Default: yes.
    pub reattach: bool,
    /// Whether what a generation says is recorded for that; where it is not, the answer is that
    /// the generation is gone. Default: yes.
    pub events_recorded: bool,
    /// Whether neighbouring tokens are recorded as one update. Default: no.
    pub merge_tokens: bool,
    /// Life of a stream that was taken up again, in milliseconds; then it is closed without an
    /// end, and the client comes back. Default: no limit.
    pub reattach_lifetime_ms: Option<u64>,
    /// Time between heartbeats where such a stream is silent, in milliseconds as JSON. Default:
    /// 2 s.
    #[serde(with = "millis")]
    pub heartbeat_every: Duration,
    /// Whether a conversation can be read. Without it the 2024 family can be sent no message,
    /// because only a conversation tells the ids of its messages. Default: yes.
    pub read_conversations: bool,
    /// Messages a minute, counted per session and per address. Default: no limit.
    pub messages_per_minute: Option<u32>,
    /// Conversations a session may keep; one more is let through, as measured. Default: no limit.
    pub conversations_limit: Option<u32>,
    /// Largest request body in bytes. Default: 15 728 640.
    pub body_limit: usize,
    /// Whether a body without a length ends with the connection rather than with a last chunk, as
    /// behind a proxy that speaks HTTP/1.0: a cut in order then looks like the end. Default: no.
    pub close_delimited: bool,
    /// Keys of the OpenAI and Open WebUI faces. Default: none, so that none is needed.
    pub api_keys: Vec<String>,
    /// Pause before each token, in milliseconds as JSON. Default: none.
    #[serde(with = "millis")]
    pub token_delay: Duration,
    /// Time between keep-alive lines, in milliseconds as JSON. Default: 100 ms.
    #[serde(with = "millis")]
    pub keep_alive_every: Duration,
    /// What has become of sessions and keys, by their values. Default: nothing.
    pub marks: BTreeMap<String, Mark>,
    /// How every chat is refused. Default: none is.
    pub incident: Option<Incident>,
    /// Models on offer. Default: empty, which stands for the recorded list of the family.
    pub models: Vec<ModelSpec>,
}

/// Version of chat-ui that is imitated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// Version 0.20 of August 2026, with `/api/v2`.
    #[default]
    #[serde(rename = "v2")]
    V2,
    /// Version 0.9.2 of October 2024.
    #[serde(rename = "2024")]
    Y2024,
}

/// Service that is imitated outside `/v1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Face {
    /// Hugging Face's chat-ui.
    #[default]
    ChatUi,
    /// Open WebUI.
    OpenWebui,
}

/// A logged-in session: the cookie's value and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// Value of the session cookie.
    pub value: String,
    /// Name of the user; sessions of one user share their conversations.
    pub user: String,
    /// Value of the coupled cookie the session was made with.
    pub coupled: Option<String>,
}

/// A model on offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSpec {
    /// Id, exactly as a request must name it.
    pub id: String,
    /// Whether it takes images.
    pub multimodal: bool,
    /// Whether it takes tools.
    pub tools: bool,
}

impl Options {
    /// The models on offer: those given, or the recorded list of the family.
    pub fn model_list(&self) -> Vec<ModelSpec> {
        if !self.models.is_empty() {
            return self.models.clone();
        }
        let recorded = [
            ("meta-llama/Meta-Llama-3.1-70B-Instruct", false, true),
            ("mock/vision-1", true, false),
            ("mock/thinker", false, false),
            ("mock-flat", false, false),
        ];
        let count = if self.family == Family::Y2024 { 2 } else { recorded.len() };
        recorded
            .into_iter()
            .take(count)
            .map(|(id, multimodal, tools)| ModelSpec { id: id.to_owned(), multimodal, tools })
            .collect()
    }

    /// Whether `key` opens the OpenAI and Open WebUI faces.
    pub(crate) fn takes_key(&self, key: &str) -> bool {
        let known = self.api_keys.is_empty() || self.api_keys.iter().any(|one| one == key);
        known && self.marks.get(key) != Some(&Mark::Revoked)
    }

    /// The model with this id.
    pub fn model(&self, id: &str) -> Option<ModelSpec> {
        self.model_list().into_iter().find(|model| model.id == id)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            face: Face::default(),
            family: Family::default(),
            login: false,
            sessions: Vec::new(),
            cookie_name: "hf-chat".to_owned(),
            coupled_cookie: None,
            ethics_modal: false,
            expose_api: true,
            reattach: true,
            events_recorded: true,
            merge_tokens: false,
            reattach_lifetime_ms: None,
            heartbeat_every: Duration::from_secs(2),
            read_conversations: true,
            messages_per_minute: None,
            conversations_limit: None,
            body_limit: 15_728_640,
            close_delimited: false,
            api_keys: Vec::new(),
            token_delay: Duration::ZERO,
            keep_alive_every: Duration::from_millis(100),
            marks: BTreeMap::new(),
            incident: None,
            models: Vec::new(),
        }
    }
}

impl Session {
    /// A session of `user` under the cookie value `value`.
    pub fn new(value: impl Into<String>, user: impl Into<String>) -> Self {
        Self { value: value.into(), user: user.into(), coupled: None }
    }
}

/// Durations as whole milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
