//! The simulator's SearXNG beside a real searx that takes its results from it.

use llm2api_tests::processes::{Searx, Wire, http};
use llm2api_tests::{Options, Simulator};
use serde_json::{Map, Value};

/// Both, asked the same.
struct Both {
    simulator: Simulator,
    searx: Searx,
}

impl Both {
    async fn start() -> Self {
        let simulator = Simulator::start(Options::default()).await.expect("it listens");
        let searx = Searx::start(&format!("{}/engine", simulator.searxng_url())).await;
        Self { simulator, searx }
    }

    /// What searx answers to this query string, and what the simulator does.
    async fn ask(&self, query: &str) -> [(u16, Value); 2] {
        let played = self.simulator.searxng_url();
        [ask(self.searx.url(), query).await, ask(&played, query).await]
    }
}

async fn ask(base: &str, query: &str) -> (u16, Value) {
    let answer = http().get(format!("{base}/search?{query}&format=json")).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/json", "{base} {query}");
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON"))
}

fn results(answer: &Value) -> &[Value] {
    answer["results"].as_array().expect("a list")
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

/// What searx makes of the markup in the texts of its engines.
fn plain(content: &Value) -> String {
    let content = content.as_str().expect("a text");
    content.replace("<b>", "").replace("</b>", "").replace("&amp;", "&")
}

#[tokio::test]
async fn both_find_the_same() {
    let both = Both::start().await;
    for query in ["q=red+fox", "q=red+fox&pageno=2", "q=Gr%C3%B6%C3%9Fe+%26+co&pageno=3"] {
        let [(real, searx), (played, simulator)] = both.ask(query).await;
        assert_eq!((real, played), (200, 200), "{query}");
        assert_eq!(searx["query"], simulator["query"]);
        assert_eq!(results(&searx).len(), 5, "{searx}");
        for (real, played) in results(&searx).iter().zip(results(&simulator)) {
            for name in [
                "url",
                "title",
                "engine",
                "engines",
                "parsed_url",
                "positions",
                "score",
                "category",
            ] {
                assert_eq!(real[name], played[name], "{name} {query}");
            }
            assert_eq!(real["content"], plain(&played["content"]), "{query}");
        }
    }
}

#[tokio::test]
async fn the_simulator_has_every_field_of_searx() {
    let both = Both::start().await;
    let [(_, searx), (_, simulator)] = both.ask("q=fox").await;
    let names = |answer: &Value| object(answer).keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&searx), names(&simulator));
    for name in names(&results(&searx)[0]) {
        // SearXNG has dropped this one.
        let dropped = name == "pretty_url";
        let has = object(&results(&simulator)[0]).contains_key(&name);
        assert_eq!(has, !dropped, "{name}");
    }
}

/// Which of two wrong parameters is named first is not the same: SearXNG looks at the language last.
#[tokio::test]
async fn both_refuse_the_same_in_the_same_words() {
    let both = Both::start().await;
    for query in [
        "q=",
        "pageno=1",
        "q=fox&pageno=0",
        "q=fox&pageno=-1",
        "q=fox&pageno=",
        "q=fox&time_range=hour",
        "q=fox&language=english",
        "q=fox&language=EN",
        "q=fox&language=de-Latn",
        "q=fox&pageno=0&time_range=hour",
    ] {
        let [real, played] = both.ask(query).await;
        assert_eq!(real.0, 400, "{query}");
        assert_eq!(real, played, "{query}");
    }
    for query in [
        "q=fox&language=all",
        "q=fox&language=zh-TW",
        "q=fox&time_range=",
        "q=fox&time_range=year",
        "q=fox&pageno=99",
        "q=fox&categories=general",
    ] {
        let statuses = both.ask(query).await.map(|(status, _)| status);
        assert_eq!(statuses, [200, 200], "{query}");
    }
}

#[tokio::test]
async fn both_say_which_engine_does_not_answer() {
    let simulator = Simulator::start(Options::default()).await.expect("it listens");
    let searx = Searx::start("http://127.0.0.1:1/nobody-listens-here").await;
    let real = ask(searx.url(), "q=fox").await;
    let played = ask(&simulator.searxng_url(), "q=SXSICK").await;
    for (status, answer) in [real, played] {
        assert_eq!((status, results(&answer)), (200, &[][..]), "{answer}");
        let engines = answer["unresponsive_engines"].as_array().expect("a list");
        assert!(engines.len() == 1 && engines[0][0] == "mock", "{answer}");
        assert!(engines[0][1].is_string() && engines[0][2].is_null(), "{answer}");
    }
}

#[tokio::test]
async fn an_external_bang_leads_away_from_both() {
    let both = Both::start().await;
    for base in [both.searx.url().to_owned(), both.simulator.searxng_url()] {
        let (_, rest) = base.split_once("//").expect("an address");
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = format!("/{path}/search?q=!!ddg+fox&format=json").replace("//", "/");
        let mut wire =
            Wire::connect(address.parse().expect("an address")).await.expect("it listens");
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")).await;
        let told = wire.answer().await;
        let location = told.header("location").expect("a place");
        assert!(told.status == 302 && !location.contains(address), "{told:?}");
    }
}

#[tokio::test]
async fn searx_asks_the_engine_once_a_search() {
    let both = Both::start().await;
    assert_eq!(both.simulator.log().requests.len(), 0, "nothing at its start");
    ask(both.searx.url(), "q=fox&pageno=2").await;
    let log = both.simulator.log();
    let paths: Vec<_> = log.requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/searxng/engine?q=fox&page=2"]);
}
