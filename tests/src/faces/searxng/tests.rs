//! The face, asked by a client.

use reqwest::Response;
use serde_json::Value;

use crate::processes::{Wire, http};
use crate::{Face, Options, Script, Simulator};

async fn simulator() -> Simulator {
    Simulator::start(Options::default()).await.unwrap()
}

async fn ask(simulator: &Simulator, query: &[(&str, &str)]) -> reqwest::Result<Response> {
    let pairs = query.iter().map(|(name, value)| format!("{name}={}", encode(value)));
    let query = pairs.collect::<Vec<_>>().join("&");
    http().get(format!("{}/search?{query}", simulator.searxng_url())).send().await
}

/// A value as HTML forms write it.
fn encode(value: &str) -> String {
    let one = |byte| match byte {
        b' ' => "+".to_owned(),
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(one).collect()
}

/// Status, content type and body of a search in JSON.
async fn search(simulator: &Simulator, query: &[(&str, &str)]) -> (u16, String, String) {
    let query = [query, &[("format", "json")]].concat();
    let answer = ask(simulator, &query).await.unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (answer.status().as_u16(), kind, answer.text().await.unwrap())
}

async fn results(simulator: &Simulator, q: &str, pageno: &str) -> Vec<Value> {
    let (status, kind, body) = search(simulator, &[("q", q), ("pageno", pageno)]).await;
    assert_eq!((status, kind.as_str()), (200, "application/json"), "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    body["results"].as_array().unwrap().clone()
}

fn urls(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["url"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_answer_has_the_fields_of_searxng() {
    let (.., body) = search(&simulator().await, &[("q", "  Red   <fox> & Größe ")]).await;
    let mut body: Value = serde_json::from_str(&body).unwrap();
    body["results"].as_array_mut().unwrap().truncate(3);
    insta::assert_json_snapshot!(body);
}

#[tokio::test]
async fn pages_overlap_by_one_and_end() {
    let simulator = simulator().await;
    let mut sites = Vec::new();
    for page in ["1", "2", "3", "4", "99999999999999999999999"] {
        let results = results(&simulator, "fox", page).await;
        sites
            .push(urls(&results).join(" ").replace("https://site", "").replace(".example/fox", ""));
    }
    assert_eq!(sites, ["1 2 3 4 5", "5 6 7 8 9", "9 10 11 12 13", "", ""]);
}

#[tokio::test]
async fn every_face_has_it_and_it_needs_no_key() {
    let api_keys = vec!["sk-only".to_owned()];
    let options = Options { face: Face::OpenWebui, login: true, api_keys, ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    assert_eq!(results(&simulator, "fox", "1").await.len(), 5);
    assert!(simulator.tallies().is_empty(), "searches are no calls of an account");
}

#[tokio::test]
async fn searches_are_seen_in_the_log() {
    let simulator = simulator().await;
    let query = [("q", "a+b c&d"), ("pageno", "2"), ("language", "de-AT"), ("time_range", "week")];
    search(&simulator, &query).await;
    let log = simulator.log();
    let [asked] = &log.searches()[..] else { panic!("{log:?}") };
    assert_eq!(asked.q.as_deref(), Some("a+b c&d"));
    assert_eq!(asked.pageno.as_deref(), Some("2"));
    assert_eq!(asked.language.as_deref(), Some("de-AT"));
    assert_eq!((asked.categories.as_deref(), asked.time_range.as_deref()), (None, Some("week")));
    assert!(log.requests[0].header("host").is_some());
}

#[tokio::test]
async fn wrong_parameters_are_refused_by_name() {
    let simulator = simulator().await;
    let mut refusals = Vec::new();
    for (name, value) in [
        ("pageno", "0"),
        ("pageno", "-1"),
        ("pageno", ""),
        ("time_range", "hour"),
        ("language", "english"),
        ("language", "de-Latn"),
        ("language", ""),
        ("language", "EN"),
    ] {
        let (status, _, body) = search(&simulator, &[("q", "fox"), (name, value)]).await;
        refusals.push(format!("{status} {name}={value} {body}"));
    }
    let (status, _, body) = search(&simulator, &[("q", "")]).await;
    refusals.push(format!("{status} q= {body}"));
    insta::assert_snapshot!(refusals.join("\n"));
}

#[tokio::test]
async fn good_parameters_are_taken() {
    let simulator = simulator().await;
    let ranges = ["day", "week", "month", "year", ""].map(|value| ("time_range", value));
    let languages = ["all", "auto", "de", "zh-TW", "fil", "pt-br"].map(|value| ("language", value));
    for pair in ranges.into_iter().chain(languages) {
        assert_eq!(search(&simulator, &[("q", "fox"), pair]).await.0, 200, "{pair:?}");
    }
}

#[tokio::test]
async fn other_formats_are_a_page_or_forbidden() {
    let simulator = simulator().await;
    let cases: [(&[(&str, &str)], u16); 5] = [
        (&[("q", "fox")], 200),
        (&[("q", "fox"), ("format", "xml")], 200),
        (&[("format", "html")], 200),
        (&[("q", "fox"), ("pageno", "0")], 400),
        (&[("q", "fox"), ("format", "csv")], 403),
    ];
    for (query, status) in cases {
        let answer = ask(&simulator, query).await.unwrap();
        assert_eq!(answer.status(), status, "{query:?}");
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8", "{query:?}");
    }
}

#[tokio::test]
async fn words_choose_refusals() {
    let simulator = simulator().await;
    let mut refusals = Vec::new();
    for word in ["SXNOJSON", "SXLIMIT", "SXRETRY", "SX500"] {
        let query = [("q", format!("red {word}, fox")), ("format", "json".to_owned())];
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = ask(&simulator, &query).await.unwrap();
        let wait =
            answer.headers().get("retry-after").map(|wait| wait.to_str().unwrap().to_owned());
        let status = answer.status();
        refusals.push(format!("{word}: {status} {wait:?}\n{}", answer.text().await.unwrap()));
    }
    insta::assert_snapshot!(refusals.join("\n"));
}

#[tokio::test]
async fn words_are_whole_and_json_is_only_missing_for_json() {
    let simulator = simulator().await;
    assert_eq!(results(&simulator, "SXLIMITS sxlimit", "1").await.len(), 5);
    assert_eq!(ask(&simulator, &[("q", "SXNOJSON")]).await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_external_bang_leads_away() {
    let simulator = simulator().await;
    let mut wire =
        Wire::connect(simulator.url()["http://".len()..].parse().unwrap()).await.unwrap();
    wire.send("GET /searxng/search?q=!!w+fox&format=json HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let told = wire.answer().await;
    assert_eq!((told.status, told.header("location")), (302, Some("https://bang.example/")));
}

#[tokio::test]
async fn a_page_comes_where_json_was_asked_for() {
    let (status, kind, body) = search(&simulator().await, &[("q", "SXHTML <x>")]).await;
    assert_eq!((status, kind.as_str()), (200, "text/html; charset=utf-8"));
    assert!(body.contains("<title>SXHTML &lt;x&gt; - SearXNG</title>"), "{body}");
}

#[tokio::test]
async fn nothing_much_and_hostile_things_are_found() {
    let simulator = simulator().await;
    assert_eq!(results(&simulator, "SXEMPTY", "1").await, Vec::<Value>::new());
    let (.., sick) = search(&simulator, &[("q", "SXSICK")]).await;
    assert!(sick.ends_with(r#""unresponsive_engines":[["mock","timeout"]]}"#), "{sick}");
    let hostile = results(&simulator, "SXINJECT", "1").await;
    assert!(urls(&hostile).contains(&"javascript:alert(1)"));
    assert_eq!(results(&simulator, "SXINJECT", "2").await, Vec::<Value>::new());
    let (.., huge) = search(&simulator, &[("q", "SXHUGE")]).await;
    assert!((8_000_000..13_000_000).contains(&huge.len()), "{}", huge.len());
    let huge: Value = serde_json::from_str(&huge).unwrap();
    assert_eq!(huge["results"].as_array().unwrap().len(), 20_000);
}

#[tokio::test]
async fn hostile_results_stay_as_they_are() {
    let hostile = results(&simulator().await, "SXINJECT", "1").await;
    let tricks = hostile.iter().map(|result| {
        let [url, title, content] = ["url", "title", "content"].map(|name| &result[name]);
        let texts =
            [url, title, content].map(|text| text.as_str().unwrap().escape_debug().to_string());
        format!("{}\n  {}", texts.join("\n  "), result["parsed_url"][1])
    });
    insta::assert_snapshot!(tricks.collect::<Vec<_>>().join("\n"));
}

#[tokio::test]
async fn a_broken_answer_is_whole_for_http() {
    let (status, kind, body) = search(&simulator().await, &[("q", "SXBROKEN")]).await;
    assert_eq!((status, kind.as_str()), (200, "application/json"));
    assert!(body.len() > 1000 && serde_json::from_str::<Value>(&body).is_err(), "{body}");
}

#[tokio::test]
async fn a_dropped_search_has_no_answer() {
    assert!(ask(&simulator().await, &[("q", "SXDROP")]).await.is_err());
}

#[tokio::test]
async fn a_stalled_search_lasts_until_the_client_leaves() {
    let simulator = simulator().await;
    {
        let mut stalled = std::pin::pin!(ask(&simulator, &[("q", "SXSTALL")]));
        tokio::select! {
            answer = &mut stalled => panic!("{answer:?}"),
            _ = simulator.wait_for(|log| log.searches().len() == 1) => {}
        }
    }
    simulator.wait_for(|log| log.aborted_streams == 1).await;
}

#[tokio::test]
async fn half_a_body_comes_and_then_silence() {
    let simulator = simulator().await;
    let mut answer = ask(&simulator, &[("q", "SXSTALLBODY"), ("format", "json")]).await.unwrap();
    let whole = usize::try_from(answer.content_length().unwrap()).unwrap();
    let mut came = 0;
    while came < whole / 2 {
        came += answer.chunk().await.unwrap().unwrap().len();
    }
    assert_eq!(came, whole / 2);
    drop(answer);
    simulator.wait_for(|log| log.aborted_streams == 1).await;
}

#[tokio::test]
async fn a_script_stands_before_the_words() {
    let simulator = simulator().await;
    simulator.script_path("/searxng/search", Script::text(503, "later"));
    assert_eq!(search(&simulator, &[("q", "SXEMPTY")]).await.2, "later");
    assert_eq!(search(&simulator, &[("q", "SXEMPTY")]).await.0, 200);
}
