//! What goes wrong for longer than one request: dead and banned sessions, incidents.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::http::{Reply, Request};
use crate::options::{Face, Options};

/// Paths that a banned session may still read, as anybody may.
const PUBLIC: [&str; 5] = [
    "/healthcheck",
    "/api/models",
    "/api/v2/models",
    "/api/v2/feature-flags",
    "/api/v2/public-config",
];

/// What has become of a session or a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mark {
    /// It is dead, as after a logout: nobody is logged in; a key is wrong.
    Revoked,
    /// Whatever is not public answers an empty 403, the check included.
    Banned,
}

/// How every chat is refused while an incident lasts: sends, new conversations, completions.
///
/// ```
/// use std::time::Duration;
/// use llm2api_tests::Incident;
///
/// let busy = Incident::new(429).with_retry_after(Duration::from_secs(7));
/// assert_eq!(serde_json::to_value(&busy).unwrap()["retry_after"], 7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    status: u16,
    #[serde(default)]
    retry_after: Option<u64>,
}

impl Incident {
    /// Refuses with this status and an empty body.
    pub fn new(status: u16) -> Self {
        Self { status, retry_after: None }
    }

    /// Adds `Retry-After`, in whole seconds.
    #[must_use]
    pub fn with_retry_after(self, time: Duration) -> Self {
        Self { retry_after: Some(time.as_secs()), ..self }
    }

    fn reply(self) -> Reply {
        let reply = empty(self.status);
        match self.retry_after {
            Some(seconds) => reply.with("retry-after", seconds.to_string()),
            None => reply,
        }
    }
}

/// The refusal that stands before everything else, by credential and kind of request.
pub(crate) fn refusal(
    options: &Options,
    request: &Request,
    credential: &str,
    is_chat: bool,
) -> Option<Reply> {
    if let Some(incident) = options.incident.filter(|_| is_chat) {
        return Some(incident.reply());
    }
    let banned = options.marks.get(credential) == Some(&Mark::Banned);
    (banned && !is_public(options, request)).then(|| empty(403))
}

fn is_public(options: &Options, request: &Request) -> bool {
    let path = request.path.as_str();
    options.face == Face::ChatUi && request.method() == "GET" && PUBLIC.contains(&path)
}

fn empty(status: u16) -> Reply {
    Reply { chunked: false, ..Reply::empty(status) }
}
