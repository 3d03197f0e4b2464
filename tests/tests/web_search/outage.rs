//! A SearXNG that is not there, goes, and comes back.

use std::time::Duration;

use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{OPENAI, Outcome, Stage, Upstream, eventually, free_port};
use tempfile::TempDir;

use crate::answer::header;
use crate::stage::{before, web};

const FOUND: &str = "completed; results=8";
const GONE: &str = "failed; code=search_unreachable";
/// How long nobody asks a SearXNG that could not be reached, and a little more.
const BACK: Duration = Duration::from_secs(12);

/// A SearXNG that can be killed and started again in the same place.
struct Engine {
    port: u16,
    data: TempDir,
    process: Option<Upstream>,
}

impl Engine {
    fn new() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        Self { port: free_port(), data, process: None }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/searxng", self.port)
    }

    async fn start(&mut self) {
        let address = format!("127.0.0.1:{}", self.port);
        self.process = Some(Upstream::start(self.data.path(), &["--listen", &address]).await);
    }

    async fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().await;
    }
}

async fn hello(stage: &Stage, stream: bool) -> Outcome {
    let outcome = web(stage, "hello", stream).await;
    assert!(outcome.is_whole(), "{outcome:?}");
    assert!(outcome.text().ends_with(ANSWER), "{outcome:?}");
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_go_on_without_a_searxng_and_with_it_when_it_comes() {
    let mut engine = Engine::new();
    let stage = before(OPENAI, &engine.url(), &[("SEARCH_CACHE", "0")]).await;
    for stream in [true, false] {
        let outcome = hello(&stage, stream).await;
        assert_eq!(header(&outcome), GONE);
        assert!(outcome.took < Duration::from_secs(1), "{outcome:?}");
    }
    engine.start().await;
    comes_back(&stage).await;

    engine.kill().await;
    let gone = hello(&stage, true).await;
    assert!(header(&gone).starts_with("failed; code=search_"), "{gone:?}");
    engine.start().await;
    comes_back(&stage).await;
}

async fn comes_back(stage: &Stage) {
    let found = async || (header(&hello(stage, true).await) == FOUND).then_some(());
    eventually("a search goes well again", BACK, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_serves_while_searxng_is_away() {
    let mut engine = Engine::new();
    engine.start().await;
    let stage = before(OPENAI, &engine.url(), &[("SEARCH_CACHE", "1s")]).await;
    assert_eq!(header(&hello(&stage, true).await), FOUND);
    engine.kill().await;
    let old = async || {
        assert_eq!(header(&hello(&stage, true).await), FOUND);
        (header(&web(&stage, "Something else?", true).await) == GONE).then_some(())
    };
    eventually("another question cannot be searched for", BACK, old).await;
}
