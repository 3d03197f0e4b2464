//! The web search, over the demo and a SearXNG that answers as it is told.

use std::sync::{Arc, Mutex};

use llm2api_server::Stop;
use poem::endpoint::make_sync;
use poem::http::StatusCode;
use poem::{Request, Response};
use serde_json::json;

use crate::harness::{Running, body, config, header, json, status};

const CHAT: &str = "/v1/chat/completions";
const WEB: &str = "/web/v1/chat/completions";
const NOTE: &str = "x-llm2api-search";
const FOUND: Option<&str> = Some("completed; results=2");

/// A SearXNG, and what it was asked.
struct Searcher {
    server: Running,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Searcher {
    /// Answers every search with this status, and with two pages where that is 200.
    fn start(status: u16) -> Self {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let log = asked.clone();
        let endpoint = make_sync(move |request: Request| {
            log.lock().expect("nobody panics").push(request.uri().to_string());
            answer(status)
        });
        let server = Running::serve(&config(&[]), endpoint, Stop::new());
        Self { server, asked }
    }

    fn url(&self) -> String {
        format!("http://{}/searx", self.server.address)
    }

    /// Returns what was asked since the last look.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("nobody panics"))
    }

    /// Starts a gateway that searches here.
    async fn gateway(&self, pairs: &[(&str, &str)]) -> Running {
        let url = self.url();
        let more =
            [("SEARXNG_URL", url.as_str()), ("SEARCH_RESULT_PAGES", "1"), ("SEARCH_CACHE", "0")];
        Running::start(&[&more, pairs].concat()).await
    }
}

fn answer(status: u16) -> Response {
    let page = |at: u32| {
        json!({"url": format!("https://page{at}.example/"), "title": "Oslo", "content": "A city.",
            "engine": "test", "score": 1.0})
    };
    let body = json!({"query": "q", "results": [page(1), page(2)], "unresponsive_engines": []});
    let status = StatusCode::from_u16(status).expect("a status");
    Response::builder().status(status).content_type("application/json").body(body.to_string())
}

fn ask(fields: &str) -> String {
    let messages = r#""messages":[{"role":"user","content":"How large is Oslo?"}]"#;
    format!(r#"{{"model":"demo",{messages}{fields}}}"#)
}

#[tokio::test]
async fn without_a_searxng_there_is_no_search_and_chats_say_how_to_have_one() {
    let server = Running::start(&[]).await;
    let refused = server.post(WEB, "", &ask("")).await;
    assert_eq!(status(&refused), 404, "{refused}");
    let error = &json(&refused)["error"];
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("web_search_not_configured"), &json!(null))
    );
    assert!(error["message"].as_str().is_some_and(|text| text.contains("SEARXNG_URL")), "{error}");

    let refused = server.post(CHAT, "", &ask(r#","web_search_options":{}"#)).await;
    let error = &json(&refused)["error"];
    assert_eq!(
        (status(&refused), &error["param"]),
        (400, &json!("web_search_options")),
        "{refused}"
    );
    assert!(error["message"].as_str().is_some_and(|text| text.contains("SEARXNG_URL")), "{error}");

    let plain = server.post(CHAT, "", &ask("")).await;
    assert_eq!((status(&plain), header(&plain, NOTE)), (200, None));
    let model = json(&server.get("/v1/models/demo", "").await);
    assert_eq!(model["llm2api"]["parameters"]["web_search_options"], "rejected");
}

#[tokio::test]
async fn the_web_path_always_searches_and_the_head_says_so() {
    let searcher = Searcher::start(200);
    let server = searcher.gateway(&[]).await;
    for fields in ["", r#","stream":true"#, r#","web_search_options":null"#] {
        let answer = server.post(WEB, "", &ask(fields)).await;
        assert_eq!((status(&answer), header(&answer, NOTE)), (200, FOUND), "{answer}");
        let exposed = header(&answer, "access-control-expose-headers").unwrap_or_default();
        assert!(exposed.contains(NOTE), "{exposed}");
        let asked = searcher.asked();
        assert!(asked[0].starts_with("/searx/search?q=How+large+is+Oslo"), "{asked:?}");
        assert!(asked[0].contains("&format=json") && asked.len() == 1, "{asked:?}");
    }
    let get = server.get(WEB, "").await;
    assert_eq!((status(&get), header(&get, "allow")), (405, Some("POST, OPTIONS")));
}

#[tokio::test]
async fn the_usual_path_searches_for_those_who_ask() {
    let searcher = Searcher::start(200);
    let server = searcher.gateway(&[("STRICT_PARAMETERS", "true")]).await;
    let plain = server.post(CHAT, "", &ask("")).await;
    assert_eq!((status(&plain), header(&plain, NOTE)), (200, None));
    assert!(searcher.asked().is_empty());
    let wish = ask(r#","web_search_options":{"search_context_size":"low"}"#);
    let answer = server.post(CHAT, "", &wish).await;
    assert_eq!((status(&answer), header(&answer, NOTE)), (200, FOUND), "{answer}");
    assert_eq!(searcher.asked().len(), 1);
    let wrong = server.post(CHAT, "", &ask(r#","web_search_options":"yes""#)).await;
    let error = &json(&wrong)["error"];
    assert_eq!((status(&wrong), &error["param"]), (400, &json!("web_search_options")), "{wrong}");
    let model = json(&server.get("/v1/models/demo", "").await);
    assert_eq!(model["llm2api"]["parameters"]["web_search_options"], "emulated");
}

#[tokio::test]
async fn all_in_one_searches_for_every_chat_and_for_no_other_dialect() {
    let searcher = Searcher::start(200);
    let server = searcher.gateway(&[("TOOL_ALL_IN_ONE", "true")]).await;
    for fields in ["", r#","stream":true"#] {
        let answer = server.post(CHAT, "", &ask(fields)).await;
        assert_eq!((status(&answer), header(&answer, NOTE)), (200, FOUND), "{answer}");
    }
    assert_eq!(searcher.asked().len(), 2);
    let responses = server.post("/v1/responses", "", r#"{"model":"demo","input":"Hello"}"#).await;
    let messages = server.post("/v1/messages", "", &ask(r#","max_tokens":50"#)).await;
    for answer in [responses, messages] {
        assert_eq!((status(&answer), header(&answer, NOTE)), (200, None), "{answer}");
    }
    assert!(searcher.asked().is_empty());
}

#[tokio::test]
async fn a_search_that_fails_fails_no_chat_and_the_head_says_why() {
    for (refusal, note) in [
        (403, "failed; code=search_json_off"),
        (429, "failed; code=search_limited"),
        (500, "failed; code=search_failed"),
    ] {
        let searcher = Searcher::start(refusal);
        let server = searcher.gateway(&[]).await;
        for fields in ["", r#","stream":true"#] {
            let answer = server.post(WEB, "", &ask(fields)).await;
            assert_eq!((status(&answer), header(&answer, NOTE)), (200, Some(note)), "{answer}");
            assert!(body(&answer).contains("Oslo"), "the demo has answered: {answer}");
        }
    }
}

#[tokio::test]
async fn all_in_one_without_a_searxng_says_so_beside_every_answer() {
    let server = Running::start(&[("TOOL_ALL_IN_ONE", "true")]).await;
    let note = Some("failed; code=search_not_configured");
    for fields in ["", r#","stream":true"#, r#","web_search_options":null"#] {
        let answer = server.post(CHAT, "", &ask(fields)).await;
        assert_eq!((status(&answer), header(&answer, NOTE)), (200, note), "{answer}");
        assert!(!body(&answer).contains("llm2api_search"), "nobody has tried: {answer}");
    }
    assert_eq!(status(&server.post(WEB, "", &ask("")).await), 404);
}

#[tokio::test]
async fn all_in_one_without_a_searxng_promises_no_search() {
    let server = Running::start(&[("TOOL_ALL_IN_ONE", "true")]).await;
    let model = json(&server.get("/v1/models/demo", "").await);
    assert_eq!(model["llm2api"]["parameters"]["web_search_options"], "rejected");
    let wish = server.post(CHAT, "", &ask(r#","web_search_options":{}"#)).await;
    let error = &json(&wish)["error"];
    assert_eq!((status(&wish), &error["param"]), (400, &json!("web_search_options")), "{wish}");
}

#[tokio::test]
async fn a_client_finds_the_models_below_the_web_path_too() {
    let searcher = Searcher::start(200);
    let pairs = [("API_KEY", "sk-one"), ("API_PATH", "custom")];
    let key = "Authorization: Bearer sk-one\r\n";
    for server in [searcher.gateway(&pairs).await, Running::start(&pairs).await] {
        for path in ["/v1/models", "/v1/models/demo", "/v1/models/a/b"] {
            let web = server.get(&format!("/custom/web{path}"), key).await;
            let usual = server.get(&format!("/custom{path}"), key).await;
            let id = |answer: &str| json(answer)["data"][0]["id"].clone();
            assert_eq!((status(&web), id(&web)), (status(&usual), id(&usual)), "{web}");
            assert_eq!(status(&server.get(&format!("/custom/web{path}"), "").await), 401);
        }
        let show = json(&server.get("/custom/web/v1/models/demo", key).await);
        assert_eq!((&show["id"], &show["object"]), (&json!("demo"), &json!("model")));
    }
    assert!(searcher.asked().is_empty());
}

#[tokio::test]
async fn a_prefix_moves_the_web_path_too() {
    let searcher = Searcher::start(200);
    let server = searcher.gateway(&[("API_PATH", "custom")]).await;
    let answer = server.post("/custom/web/v1/chat/completions", "", &ask("")).await;
    assert_eq!((status(&answer), header(&answer, NOTE)), (200, FOUND), "{answer}");
    let gone = server.post(WEB, "", &ask("")).await;
    assert_eq!((status(&gone), &json(&gone)["error"]["code"]), (404, &json!("unknown_path")));
}

#[tokio::test]
async fn keys_and_limits_hold_on_the_web_path() {
    let searcher = Searcher::start(200);
    let pairs = [("API_KEY", "sk-one"), ("MESSAGES_LIMIT", "1"), ("REQUEST_BODY_LIMIT", "1000")];
    let server = searcher.gateway(&pairs).await;
    let key = "Authorization: Bearer sk-one\r\n";
    let code = |answer: &str| (status(answer), json(answer)["error"]["code"].clone());
    let stranger = server.post(WEB, "", &ask("")).await;
    assert_eq!(code(&stranger), (401, json!("invalid_api_key")));
    assert_eq!(header(&stranger, "access-control-allow-origin"), Some("*"));
    let two = ask("").replace("[{", r#"[{"role":"user","content":"Hi"},{"#);
    assert_eq!(code(&server.post(WEB, key, &two).await), (400, json!("too_many_messages")));
    let long = ask(&format!(r#","user":"{}""#, "u".repeat(1000)));
    assert_eq!(code(&server.post(WEB, key, &long).await), (413, json!("request_too_large")));
    assert!(searcher.asked().is_empty(), "nobody searches for what is refused");
    assert_eq!(status(&server.post(WEB, key, &ask("")).await), 200);
}
