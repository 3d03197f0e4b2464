//! Whether pieces of an answer are held up on their way.

use std::io::{self, Write as _};
use std::time::Duration;

use llm2api_tests::processes::Api;
use tokio::task::JoinSet;

use crate::flow::Flow;
use crate::stage::{Stage, proof};

/// Time between two tokens.
const PAUSE: Duration = Duration::from_millis(20);

/// How much is done, and what may be.
struct Load {
    streams: usize,
    tokens: usize,
    /// A stall that is no longer is nobody's fault.
    stall: Duration,
    /// So many more pieces of a hundred may come together than straight from the upstream.
    together: usize,
}

impl Load {
    fn new() -> Self {
        let stall = Duration::from_millis;
        match proof() {
            true => Self { streams: 512, tokens: 500, stall: stall(200), together: 5 },
            false => Self { streams: 32, tokens: 100, stall: stall(1000), together: 50 },
        }
    }

    /// Streams all at the same time.
    async fn run(&self, title: &str, api: &Api) -> Flow {
        let prompt = format!("ECHO:{}", vec!["word"; self.tokens].join(" "));
        let mut tasks = JoinSet::new();
        for _ in 0..self.streams {
            let (api, prompt) = (api.clone(), prompt.clone());
            tasks.spawn(async move { Flow::of(&api, &prompt, None).await });
        }
        let flows = tasks.join_all().await.into_iter().collect::<Result<Vec<_>, _>>();
        let flows = flows.unwrap_or_else(|fault| panic!("{title}: {fault}"));
        let flow = flows.into_iter().fold(Flow::default(), Flow::and);
        _ = writeln!(io::stderr(), "{} streams, {title}: {flow:?}", self.streams);
        assert!(flow.pieces > self.streams * self.tokens, "{title}: {flow:?}");
        flow
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_not_held_up() {
    let load = Load::new();
    let stage = Stage::start(PAUSE).await;
    let straight = load.run("straight", &stage.upstream.api).await;
    let through = load.run("through the server", &stage.server.api).await;
    let longest = load.stall.max(straight.longest * 3 / 2);
    assert!(through.longest <= longest, "a stall of {:?}", through.longest);
    assert!(through.glued <= straight.glued, "{} glued pieces", through.glued);
    let together = straight.together + through.pieces * load.together / 100;
    assert!(through.together <= together, "{} pieces came together", through.together);
}
