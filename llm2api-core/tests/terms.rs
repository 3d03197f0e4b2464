//! What one call may ask for otherwise than its client: its time and its sends.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use llm2api_core::upstream::{Account, Capability, Upstream};
use llm2api_core::{
    Call, ChatItem, ChatRequest, ChatStream, Chunk, ChunkBody, Client, Credential, Error,
    ErrorKind, Limits, Message, Model, Result, UpstreamConfig,
};
use tokio::time::Instant;

/// How a service fails those who ask it.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// It breaks at once.
    Breaks,
    /// It never answers.
    Stalls,
    /// It answers one word, and never ends.
    StallsAfterAWord,
}

/// A service that fails, and counts who asks.
#[derive(Clone, Debug)]
struct Failing {
    way: Way,
    chats: Arc<AtomicU32>,
}

#[async_trait]
impl Upstream for Failing {
    fn capability(&self) -> Capability {
        Capability::default()
    }

    async fn chat(&self, _: ChatRequest, _: &Credential) -> Result<ChatStream> {
        self.chats.fetch_add(1, Ordering::Relaxed);
        match self.way {
            Way::Breaks => Err(Error::new(ErrorKind::UpstreamFailed, "chat", "it breaks")),
            Way::Stalls => pending().await,
            Way::StallsAfterAWord => {
                let word = ChatItem::Chunk(Chunk::from(ChunkBody::text("1", "m", "word")));
                Ok(ChatStream::new(stream::iter([Ok(word)]).chain(stream::pending())))
            }
        }
    }

    async fn models(&self, _: Option<&Credential>) -> Result<Vec<Model>> {
        Ok(vec![Model::new("m", "failing")])
    }

    async fn check(&self, _: &Credential) -> Result<Account> {
        Ok(Account::default())
    }
}

/// A client of one service with nine accounts: calls have ten seconds, and two sends.
async fn client(way: Way) -> (Client, Arc<AtomicU32>) {
    let service = Failing { way, chats: Arc::default() };
    let chats = service.chats.clone();
    let config = UpstreamConfig::new("failing", "failing");
    let config = (0..9).fold(config, |config, key| config.with_credential(format!("key-{key}")));
    let mut limits = Limits::default();
    limits.total_timeout = Some(Duration::from_secs(10));
    limits.max_attempts = 2;
    let builder = Client::builder().with_limits(limits).with_custom_upstream(config, service);
    (builder.build().await.expect("a client"), chats)
}

/// Asks, and tells the code of the error and after how many seconds it came.
async fn ask(client: &Client, call: Call) -> (String, u64) {
    let mut request = ChatRequest::new("m").with_message(Message::user("hello")).with_stream(true);
    request.call = call;
    let begun = Instant::now();
    let answer = async { client.chat(request).await?.collect().await };
    let error = answer.await.expect_err("it fails");
    (error.code().to_owned(), begun.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_call_has_its_own_time_before_its_first_word_and_after() {
    for way in [Way::Stalls, Way::StallsAfterAWord] {
        let (client, _) = client(way).await;
        for (call, seconds) in [
            (Call::random(), 10),
            (Call::random().with_timeout(Duration::from_secs(2)), 2),
            (Call::random().with_timeout(Duration::from_secs(20)), 20),
        ] {
            let failure = ask(&client, call).await;
            assert_eq!(failure, ("total_timeout".to_owned(), seconds), "{way:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_has_its_own_sends_each_time_it_is_made() {
    for (call, sends) in
        [(Call::random(), 2), (Call::random().with_sends(1), 1), (Call::random().with_sends(3), 3)]
    {
        // One that keeps failing is not asked at all: each call has a service of its own.
        let (client, chats) = client(Way::Breaks).await;
        ask(&client, call.clone()).await;
        assert_eq!(chats.swap(0, Ordering::Relaxed), sends);
        if sends == 1 {
            ask(&client, call).await;
            assert_eq!(chats.load(Ordering::Relaxed), sends, "the same request may be sent again");
        }
    }
}
