//! An upstream that takes text and gives text, and says what it was told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream;
use llm2api_core::upstream::{Account, Capability, Upstream};
use llm2api_core::{
    ChatItem, ChatRequest, ChatStream, Chunk, ChunkBody, ChunkChoice, Client, ClientBuilder,
    Completion, Credential, Delta, Error, ErrorKind, FinishReason, Message, Model, Result,
    UpstreamConfig,
};
use tokio::time::sleep;

/// Stands for a failure in the place of an answer.
pub(crate) const FAILS: &str = "FAILS";

/// A model that gives these answers, one a time, in pieces of so many characters.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    answers: Mutex<VecDeque<String>>,
    asked: Mutex<Vec<ChatRequest>>,
    piece: usize,
    capability: OnceLock<Capability>,
    pause: OnceLock<Duration>,
    /// Answers that were read to their end, or dropped before it.
    read: Mutex<Vec<bool>>,
}

/// Tells how an answer was left.
struct Reader {
    shared: Arc<Shared>,
    whole: bool,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.read.lock().expect("no panic").push(self.whole);
    }
}

impl Script {
    /// Gives these answers, four characters at a time.
    pub(crate) fn new<const N: usize>(answers: [&str; N]) -> Self {
        Self::in_pieces(4, answers)
    }

    /// Gives these answers, so many characters at a time.
    pub(crate) fn in_pieces<const N: usize>(piece: usize, answers: [&str; N]) -> Self {
        let answers = Mutex::new(answers.map(str::to_owned).into());
        let (asked, read) = (Mutex::default(), Mutex::default());
        let (capability, pause) = (OnceLock::new(), OnceLock::new());
        Self { shared: Arc::new(Shared { answers, asked, piece, capability, pause, read }) }
    }

    /// Takes part in a client under a name.
    pub(crate) fn join(&self, builder: ClientBuilder, name: &str) -> ClientBuilder {
        builder.with_custom_upstream(UpstreamConfig::new("custom", name), self.clone())
    }

    /// Speaks the whole OpenAI API.
    pub(crate) fn with_everything(self) -> Self {
        self.shared.capability.set(Capability::openai()).expect("set once");
        self
    }

    /// Takes so long for each piece.
    pub(crate) fn with_pause(self, pause: Duration) -> Self {
        self.shared.pause.set(pause).expect("set once");
        self
    }

    /// Makes a client that has nothing else.
    pub(crate) async fn client(&self) -> Client {
        self.join(Client::builder(), "text").build().await.expect("a client")
    }

    /// Sends a request and collects the answer.
    pub(crate) async fn answer(&self, request: ChatRequest) -> Result<Completion> {
        self.client().await.chat(request).await?.collect().await
    }

    /// Returns what the model was asked, each time.
    pub(crate) fn asked(&self) -> Vec<ChatRequest> {
        self.shared.asked.lock().expect("no panic").clone()
    }

    /// Returns the text of all that the model was asked the last time.
    pub(crate) fn heard(&self) -> String {
        let asked = self.asked();
        let last = asked.last().expect("it was asked");
        let line = |message: &Message| format!("{}: {}", message.role.as_str(), message.text());
        last.messages.iter().map(line).collect::<Vec<_>>().join("\n---\n")
    }

    /// Says of each answer whether it was read to its end.
    pub(crate) fn read(&self) -> Vec<bool> {
        self.shared.read.lock().expect("no panic").clone()
    }

    fn chunks(&self, answer: &str) -> Vec<ChunkBody> {
        let letters: Vec<char> = answer.chars().collect();
        let texts = letters.chunks(self.shared.piece).map(|piece| piece.iter().collect::<String>());
        let body = |choice| ChunkBody::new("answer", "text", choice);
        let said = texts.map(|text| body(ChunkChoice::from(Delta::text(text))));
        said.chain([body(ChunkChoice::from(FinishReason::Stop))]).collect()
    }
}

#[async_trait]
impl Upstream for Script {
    fn capability(&self) -> Capability {
        self.shared.capability.get().copied().unwrap_or_default()
    }

    async fn chat(&self, request: ChatRequest, _: &Credential) -> Result<ChatStream> {
        self.shared.asked.lock().expect("no panic").push(request);
        let answer = self.shared.answers.lock().expect("no panic").pop_front();
        let answer = answer.filter(|answer| answer != FAILS).ok_or_else(|| {
            Error::new(ErrorKind::UpstreamFailed, "chat", "the script has no answer here")
        })?;
        let chunks = VecDeque::from(self.chunks(&answer));
        let reader = Reader { shared: self.shared.clone(), whole: false };
        let pause = self.shared.pause.get().copied().unwrap_or_default();
        let items = stream::unfold((chunks, reader), move |(mut chunks, mut reader)| async move {
            sleep(pause).await;
            let Some(body) = chunks.pop_front() else {
                reader.whole = true;
                drop(reader);
                return None;
            };
            Some((Ok(ChatItem::Chunk(Chunk::from(body))), (chunks, reader)))
        });
        Ok(ChatStream::new(items))
    }

    async fn models(&self, _: Option<&Credential>) -> Result<Vec<Model>> {
        Ok(vec![Model::new("text", "script")])
    }

    async fn check(&self, _: &Credential) -> Result<Account> {
        Ok(Account::default())
    }
}
