//! What the suites share: simulators, and clients that talk to them.

use futures::StreamExt;
use llm2api_core::{
    ChatItem, ChatRequest, ChatStream, Client, ClientBuilder, ConversationMode, Error, Limits,
    Message, UpstreamConfig,
};
use llm2api_tests::{Face, Family, Options, Simulator};

/// The model that every kind of upstream here serves.
pub(crate) const MODEL: &str = "mock/vision-1";

/// A kind of upstream, as the client and the simulator know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ChatUi,
    ChatUi2024,
    OpenAi,
    OpenWebUi,
}

pub(crate) const KINDS: [Kind; 4] = [Kind::ChatUi, Kind::ChatUi2024, Kind::OpenAi, Kind::OpenWebUi];

impl Kind {
    pub(crate) fn options(self) -> Options {
        let family = if self == Self::ChatUi2024 { Family::Y2024 } else { Family::V2 };
        let face = if self == Self::OpenWebUi { Face::OpenWebui } else { Face::ChatUi };
        Options { family, face, ..Options::default() }
    }

    pub(crate) async fn start(self) -> Simulator {
        start(self.options()).await
    }

    pub(crate) fn config(self, upstream: &Simulator) -> UpstreamConfig {
        let (kind, url) = match self {
            Self::ChatUi | Self::ChatUi2024 => ("chat-ui", upstream.url()),
            Self::OpenAi => ("openai", upstream.openai_url()),
            Self::OpenWebUi => ("open-webui", upstream.url()),
        };
        UpstreamConfig::new(kind, "sim").with_url(url)
    }

    pub(crate) fn is_chat_ui(self) -> bool {
        matches!(self, Self::ChatUi | Self::ChatUi2024)
    }
}

pub(crate) async fn start(options: Options) -> Simulator {
    Simulator::start(options).await.expect("the simulator listens on loopback")
}

pub(crate) async fn client(config: UpstreamConfig) -> Client {
    builder(config).build().await.expect("a client")
}

/// A client that makes a conversation a call, and deletes it.
fn builder(config: UpstreamConfig) -> ClientBuilder {
    Client::builder().with_upstream(config).with_conversations(ConversationMode::Fresh)
}

/// A client with waits of its own.
pub(crate) async fn limited(config: UpstreamConfig, limits: &Limits) -> Client {
    builder(config).with_limits(limits.clone()).build().await.expect("a client")
}

/// A client with two credentials.
pub(crate) async fn pair(kind: Kind, upstream: &Simulator) -> Client {
    client(kind.config(upstream).with_credential("first").with_credential("second")).await
}

pub(crate) fn ask(text: &str) -> ChatRequest {
    ChatRequest::new(MODEL).with_message(Message::user(text))
}

/// What a reader of a stream has in the end: the text, the reasoning, and how it ended.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) finish: Option<String>,
    pub(crate) usage: Option<llm2api_core::Usage>,
    pub(crate) error: Option<Error>,
}

pub(crate) async fn read(mut stream: ChatStream) -> Read {
    let mut read = Read::default();
    while let Some(item) = stream.next().await {
        match item {
            Ok(ChatItem::Chunk(chunk)) => {
                read.text.push_str(chunk.text());
                read.reasoning.push_str(chunk.reasoning());
                if let Some(reason) = chunk.finish_reason() {
                    read.finish = Some(format!("{reason:?}"));
                }
                read.usage = chunk.usage().cloned().or(read.usage);
            }
            Ok(item) => panic!("a stream gave {item:?}"),
            Err(error) => read.error = Some(error),
        }
    }
    read
}
