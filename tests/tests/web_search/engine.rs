//! A real engine of SearXNG's family: Debian's searx on loopback, with pages of our own.

use llm2api_tests::processes::{CHAT_UI, OPENAI, Outcome, Searx};
use llm2api_tests::{Options, Simulator};
use serde_json::{Value, json};

use crate::answer::{check, cited, header, note, parts};
use crate::stage::{CHAT, LANES, WEB, ask, before, prompts, user, web};

const ASKED: &str = "How large is Größe 日本?\nECHO:Größe 🙂 [1], and [2] 日本.";
const SAID: &str = "Größe 🙂 [1], and [2] 日本.";
const SEARCHED: &str = "How large is Größe 日本? ECHO:Größe 🙂 [1], and [2] 日本.";
const CITED: [(&str, usize); 2] = [("[1]", 1), ("[2]", 2)];

/// A searx, and the pages that it finds.
struct Engine {
    pages: Simulator,
    searx: Searx,
}

impl Engine {
    async fn start() -> Self {
        let pages = Simulator::start(Options::default()).await.expect("the simulator listens");
        let searx = Searx::start(&format!("{}/engine", pages.searxng_url())).await;
        Self { pages, searx }
    }

    /// How often it has asked for pages.
    fn asked(&self) -> usize {
        self.pages.log().requests.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_show_what_a_real_searx_has_found() {
    let engine = Engine::start().await;
    for (kind, stream) in LANES {
        let stage = before(kind, engine.searx.url(), &[]).await;
        let outcome = web(&stage, ASKED, stream).await;
        check(&outcome, SAID, 8, &CITED);
        assert_eq!(note(&outcome), json!({"status": "completed", "query": SEARCHED, "results": 8}));
        let (_, url, title) = &cited(&outcome)[1];
        assert!(url.starts_with("https://site2.example/how-large-is-gr"), "{url}");
        assert!(title.starts_with("Result 2 for How large is Größe"), "{title}");
        let named = outcome.objects().iter().all(|object| object["model"].is_string());
        assert!(named, "chunks of ours have the head of the others: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_is_given_the_excerpts_of_a_real_searx() {
    let engine = Engine::start().await;
    let stage = before(OPENAI, engine.searx.url(), &[("SEARCH_RESULTS", "3")]).await;
    let messages = json!([{"role": "system", "content": "Be brief."}, user(ASKED)]);
    assert!(ask(&stage, WEB, &json!({"messages": messages})).await.is_whole());
    let [prompt] = prompts(&stage.upstream).try_into().expect("one send");
    shows(&prompt, 3);
    let sent = stage.upstream.log().requests;
    assert!(sent.iter().all(|one| one.json().get("web_search_options").is_none()));

    let stage = before(CHAT_UI, engine.searx.url(), &[("SEARCH_RESULTS", "3")]).await;
    let answer = ask(&stage, WEB, &json!({"messages": [user("PROMPT")]})).await.text();
    let given = parts(&answer).1;
    assert!(given.contains("Text: Excerpt 1 about PROMPT. Fish & chips."), "{given}");
    assert!(given.contains("<source number=\\\"3\\\">"), "{given}");
}

/// Checks the system's message and the question with so many sources before it.
fn shows(prompt: &Value, sources: usize) {
    assert_eq!(prompt[0], json!({"role": "system", "content": "Be brief."}));
    let text = prompt[1]["content"].as_str().expect("a text");
    assert_eq!(text.matches("<source number=").count(), sources, "{text}");
    let excerpt = format!("Text: Excerpt 1 about {SEARCHED}. Fish & chips.\n</source>");
    assert!(text.contains(&excerpt), "{text}");
    assert!(text.ends_with(&format!("\n{ASKED}")), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_are_searched_for_where_they_ask_for_it() {
    let engine = Engine::start().await;
    let stage = before(OPENAI, engine.searx.url(), &[]).await;
    let chat = async |options: Value| {
        let body = json!({"messages": [user(ASKED)], "web_search_options": options});
        ask(&stage, CHAT, &body).await
    };
    let without = chat(Value::Null).await;
    assert_eq!((without.text().as_str(), header(&without)), (SAID, "none"));
    assert_eq!(engine.asked(), 0);
    for (options, results) in [
        (json!({}), 8),
        (json!({"search_context_size": "low"}), 4),
        (json!({"search_context_size": "high"}), 13),
    ] {
        check(&chat(options).await, SAID, results, &CITED);
    }
    let refused = chat(json!("yes")).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.error()["param"], "web_search_options");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_pages_become_one_list_without_doubles() {
    let engine = Engine::start().await;
    let stage = before(OPENAI, engine.searx.url(), &[("SEARCH_RESULTS", "11")]).await;
    let outcome = web(&stage, ASKED, true).await;
    check(&outcome, SAID, 11, &CITED);
    let sites: Vec<_> =
        cited(&outcome).into_iter().take(11).map(|(_, url, _)| site(&url)).collect();
    assert_eq!(sites, (1..=11).map(|number| format!("site{number}.example")).collect::<Vec<_>>());
    let pages: Vec<_> = engine.pages.log().requests.iter().map(|one| page(&one.path)).collect();
    assert_eq!(pages, ["1", "2", "3"]);
}

fn site(url: &str) -> String {
    url.split('/').nth(2).expect("a host").to_owned()
}

fn page(path: &str) -> String {
    path.rsplit_once("page=").expect("it is asked for a page").1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_chat_is_searched_for_where_that_is_set_with_or_without_a_block() {
    let engine = Engine::start().await;
    let settings = [("TOOL_ALL_IN_ONE", "true"), ("SEARCH_BLOCK", "false")];
    for (kind, stream) in LANES {
        let stage = before(kind, engine.searx.url(), &settings).await;
        let outcome = Outcome::of(&stage.server.api, ASKED, stream).await;
        assert!(outcome.is_whole(), "{outcome:?}");
        assert_eq!((outcome.text().as_str(), header(&outcome)), (SAID, "completed; results=8"));
        let cited = cited(&outcome);
        let places: Vec<_> = cited.iter().map(|(place, _, _)| place.as_str()).collect();
        assert_eq!(places, ["[1]", "[2]", "", "", "", "", "", ""], "all sources are named");
    }
}

/// Nobody who asks a model means to steer a search engine.
#[tokio::test(flavor = "multi_thread")]
async fn words_that_searx_takes_for_commands_are_words() {
    let engine = Engine::start().await;
    let stage = before(OPENAI, engine.searx.url(), &[("SEARCH_RESULT_PAGES", "1")]).await;
    for (asked, words) in [
        ("!!ddg red fox", "ddg red fox"),
        ("!nobody red fox", "nobody red fox"),
        (":de red fox", "de red fox"),
        ("red fox <3", "red fox 3"),
    ] {
        let outcome = web(&stage, asked, false).await;
        assert_eq!(header(&outcome), "completed; results=5", "{asked}");
        assert_eq!(note(&outcome)["query"], asked);
        let (_, _, title) = &cited(&outcome)[0];
        assert_eq!(*title, format!("Result 1 for {words}"));
    }
}
