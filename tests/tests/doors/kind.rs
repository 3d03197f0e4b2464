//! Kinds of upstream, and how the simulator and the settings are set up for each: as `ALL` of
//! `tests/python/programs.py` is.

use std::collections::BTreeMap;

use llm2api_tests::{Face, Family, Options, Script, Session, Simulator, Snapshot};
use serde::{Deserialize, Serialize};

use crate::file::Case;

const KEY: &str = "sk-upstream";

/// A kind of upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[serde(rename = "chat-ui-v2")]
    ChatUi,
    #[serde(rename = "chat-ui-2024")]
    ChatUi2024,
    #[serde(rename = "openai")]
    OpenAi,
    #[serde(rename = "open-webui")]
    OpenWebUi,
    #[serde(rename = "demo")]
    Demo,
}

/// An upstream, and the settings of who calls it.
pub(crate) struct Stage {
    upstream: Option<Simulator>,
    /// By the names of the table.
    pub(crate) settings: BTreeMap<String, String>,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::ChatUi, Self::ChatUi2024, Self::OpenAi, Self::OpenWebUi, Self::Demo];

    /// Starts the upstream of a case.
    pub(crate) async fn start(self, case: &Case) -> Stage {
        let mut stage = Stage { upstream: None, settings: BTreeMap::new() };
        stage.set([("CONVERSATIONS", "fresh"), ("STORE_URL", "memory:"), ("SHUTDOWN_GRACE", "0")]);
        let mut url = String::new();
        if self != Self::Demo {
            let upstream = Simulator::start(self.options()).await.expect("the simulator listens");
            case.script.iter().for_each(|steps| upstream.script(Script::from(steps.clone())));
            url = upstream.url();
            stage.set(self.settings(&upstream));
            stage.upstream = Some(upstream);
        }
        let own = case.settings.iter();
        stage.set(own.map(|(name, value)| (name.as_str(), value.replace("{upstream}", &url))));
        stage
    }

    fn options(self) -> Options {
        Options {
            family: if self == Self::ChatUi2024 { Family::Y2024 } else { Family::V2 },
            face: if self == Self::OpenWebUi { Face::OpenWebui } else { Face::ChatUi },
            login: matches!(self, Self::ChatUi | Self::ChatUi2024),
            sessions: vec![Session::new("cookie-of-ann", "ann")],
            api_keys: vec![KEY.to_owned()],
            ..Options::default()
        }
    }

    fn settings(self, upstream: &Simulator) -> [(&'static str, String); 3] {
        let (kind, url, cookies) = match self {
            Self::OpenAi => ("openai", upstream.openai_url(), KEY),
            Self::OpenWebUi => ("open-webui", upstream.url(), KEY),
            _ => ("chat-ui", upstream.url(), "hf-chat=cookie-of-ann"),
        };
        [("UPSTREAM_KIND", kind.to_owned()), ("UPSTREAM_URL", url), ("COOKIES", cookies.to_owned())]
    }
}

impl Stage {
    fn set<'a>(&mut self, more: impl IntoIterator<Item = (&'a str, impl Into<String>)>) {
        let more = more.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        self.settings.extend(more);
    }

    /// Counts the chats that the upstream was asked for, once nothing of them is left there; none
    /// where there is nobody to be asked.
    pub(crate) async fn sends(&self) -> Option<usize> {
        let log = self.upstream.as_ref()?.wait_for(nothing_left).await;
        Some(log.senders().len())
    }
}

fn nothing_left(log: &Snapshot) -> bool {
    log.running.is_empty() && log.conversations.is_empty()
}
