//! The connection to a chat-ui is cut in the middle of an answer, which the same generation goes on
//! with.

use llm2api_tests::cutter::{Answers, Cut, Cutter};
use llm2api_tests::processes::{CHAT_UI, Outcome, Server};
use llm2api_tests::{Options, Simulator, each};
use tempfile::TempDir;

/// An answer of many pieces.
const LONG: &str = "LONGRUN";

/// How a connection ends at a cut.
type Ending = fn(Cut) -> Cut;

/// A server and the connection to its upstream.
struct Line {
    upstream: Simulator,
    cutter: Cutter,
    server: Server,
    _data: TempDir,
}

impl Line {
    async fn start() -> Self {
        let upstream = Simulator::start(Options::default()).await.expect("a simulator");
        let cutter = Cutter::start(&upstream.url()).await.expect("a proxy");
        let data = tempfile::tempdir().expect("a directory");
        let folder = data.path().join("data");
        std::fs::create_dir(&folder).expect("a directory");
        let url = cutter.url();
        let settings = [
            ("UPSTREAM_KIND", CHAT_UI),
            ("UPSTREAM_URL", url.as_str()),
            ("COOKIES", "account-1,account-2"),
            ("STORE_URL", "memory:"),
            ("LIVENESS_TIMEOUT", "1s"),
        ];
        let server = Server::start(&folder, &settings).await;
        Self { upstream, cutter, server, _data: data }
    }

    async fn ask(&self, stream: bool, cuts: impl IntoIterator<Item = Cut>) -> Outcome {
        self.cutter.plan(cuts);
        Outcome::of(&self.server.api, LONG, stream).await
    }
}

#[tokio::test]
async fn g08_a_cut_answer_reaches_the_client_whole_from_one_generation() {
    let endings: [(&str, Ending); 3] =
        [("FIN", |cut| cut), ("RST", Cut::by_reset), ("silence", Cut::by_silence)];
    let cases = endings.into_iter().flat_map(|ending| [(ending, true), (ending, false)]);
    each(cases, async |((name, ending), stream)| {
        let line = Line::start().await;
        let whole = line.ask(stream, [Cut::none(Answers::Sends)]).await;
        assert!(whole.is_whole(), "{whole:?}");
        let bytes = line.cutter.passed().iter().map(|answer| answer.bytes).max().expect("one");
        // Twice in one answer: in its first half, and soon after it was taken up again.
        let cuts = [Cut::new(Answers::Sends, bytes / 4), Cut::new(Answers::Streams, bytes / 3)];
        let told = line.ask(stream, cuts.map(ending)).await;
        let what = format!("{name}, streamed {stream}: {told:?}");
        assert_eq!(line.cutter.cuts(), 2, "{what}, {:?}", line.cutter.passed());
        assert!(told.is_whole() && told.roles() == 1, "{what}");
        assert_eq!(told.text(), whole.text(), "{what}");
        let log = line.upstream.log();
        assert_eq!((log.senders().len(), log.generations), (2, 2), "{what}");
    })
    .await;
}
