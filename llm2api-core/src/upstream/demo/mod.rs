//! An upstream without any network: for the first run, examples and doc-tests.
#![doc = include_str!("docs.md")]

mod answer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};

use super::{Account, Capability, Upstream};
use crate::adapt::Profile;
use crate::chat::{ChatItem, ChatRequest, ChatStream, Chunk, ChunkBody, Model};
use crate::clock::unix_seconds;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::random::new_id;

/// The name of the demo's model.
const MODEL: &str = "demo";

/// The demo upstream.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::upstream::{Upstream, demo::Demo};
/// use llm2api_core::{ChatRequest, Credential, Message};
///
/// let request = ChatRequest::new("demo").with_message(Message::user("Hello"));
/// let answer = Demo::new("demo").chat(request, &Credential::anonymous("demo")).await?;
/// assert!(answer.collect().await?.text().contains("Hello"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Demo {
    name: Arc<str>,
    pace: Duration,
}

impl Demo {
    /// Makes a demo that writes a word every 30 ms.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), pace: Duration::from_millis(30) }
    }

    /// Sets the time between two words; 30 ms by default.
    #[must_use]
    pub fn with_pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }
}

#[async_trait]
impl Upstream for Demo {
    fn capability(&self) -> Capability {
        Capability { profile: Profile::Demo, ..Capability::default() }
    }

    async fn chat(&self, request: ChatRequest, _: &Credential) -> Result<ChatStream> {
        if request.model != MODEL {
            let message = format!("the demo has one model, `{MODEL}`");
            return Err(Error::new(ErrorKind::ModelNotFound, "chat", message).with_param("model"));
        }
        let id: Arc<str> = format!("chatcmpl-{}", new_id().simple()).into();
        let (created, pace) = (unix_seconds(), self.pace);
        let choices = answer::to(&request);
        let items = stream::iter(choices).enumerate().then(move |(at, choice)| {
            let body = ChunkBody::new(id.clone(), MODEL, choice).with_created(created);
            async move {
                if at > 0 {
                    tokio::time::sleep(pace).await;
                }
                Ok(ChatItem::Chunk(Chunk::from(body)))
            }
        });
        Ok(ChatStream::new(items))
    }

    async fn models(&self, _: Option<&Credential>) -> Result<Vec<Model>> {
        let mut model = Model::new(MODEL, &*self.name);
        (model.vision, model.reasoning) = (Some(true), Some(false));
        Ok(vec![model])
    }

    async fn check(&self, _: &Credential) -> Result<Account> {
        Ok(Account::default())
    }
}
