//! Every kind of upstream answers through the same client, in both modes.

use crate::support::{KINDS, Kind, MODEL, ask, client, read, start};
use llm2api_core::{ChatRequest, ErrorKind, FinishReason, Message, Part};
use llm2api_tests::plan::{ANSWER, THOUGHTS};
use llm2api_tests::{Options, Session};

const TEXT: &str = "Größe 日本 🙂 \"quoted\" \\ {{template}} <b>html</b> '; DROP TABLE x; --";

#[tokio::test]
async fn every_kind_streams_the_answer_as_the_model_gave_it() {
    for kind in KINDS {
        let upstream = kind.start().await;
        let client = client(kind.config(&upstream)).await;
        let answer = client.chat(ask("hello").with_stream(true).with_usage()).await;
        let read = read(answer.expect("an answer")).await;
        assert_eq!(read.text, ANSWER, "{kind:?}");
        assert_eq!(read.finish.as_deref(), Some("Stop"), "{kind:?}");
        assert!(read.error.is_none(), "{kind:?}: {:?}", read.error);
        let usage = read.usage.unwrap_or_else(|| panic!("{kind:?} gives no usage"));
        assert_eq!(usage.estimated, kind.is_chat_ui(), "{kind:?}");
        assert!(usage.completion_tokens > 0, "{kind:?}");
    }
}

#[tokio::test]
async fn every_kind_answers_whole() {
    for kind in KINDS {
        let upstream = kind.start().await;
        let client = client(kind.config(&upstream)).await;
        let answer = client.chat(ask(&format!("ECHO:{TEXT}"))).await.expect("an answer");
        let completion = answer.collect().await.expect("a whole answer");
        assert_eq!(completion.text(), TEXT, "{kind:?}");
        assert_eq!(completion.finish_reason(), Some(FinishReason::Stop), "{kind:?}");
        assert!(completion.usage().is_some(), "{kind:?}");
    }
}

#[tokio::test]
async fn reasoning_comes_apart_from_the_text() {
    for kind in KINDS {
        let upstream = kind.start().await;
        let client = client(kind.config(&upstream)).await;
        let stream = client.chat(ask("THINK").with_stream(true)).await.expect("an answer");
        let read = read(stream).await;
        assert_eq!(read.reasoning, THOUGHTS.concat(), "{kind:?}");
        assert_eq!(read.text, ANSWER, "{kind:?}");
    }
}

#[tokio::test]
async fn every_kind_lists_its_models() {
    for kind in KINDS {
        let upstream = kind.start().await;
        let models = client(kind.config(&upstream)).await.models().await.expect("a list");
        assert!(models.iter().any(|model| model.id == MODEL), "{kind:?}: {models:?}");
    }
}

#[tokio::test]
async fn an_unknown_model_is_the_callers_mistake() {
    for kind in KINDS {
        let upstream = kind.start().await;
        let client = client(kind.config(&upstream)).await;
        let request = ChatRequest::new("nope/none").with_message(Message::user("x"));
        let error = client.chat(request).await.expect_err("no such model");
        assert_eq!(error.kind(), ErrorKind::ModelNotFound, "{kind:?}: {error}");
    }
}

#[tokio::test]
async fn an_openai_answer_keeps_what_we_do_not_know() {
    let upstream = Kind::OpenAi.start().await;
    let client = client(Kind::OpenAi.config(&upstream)).await;
    let mut request = ask("hello");
    request.extra.insert("guided_choice".into(), serde_json::json!(["a"]));
    let completion = client.chat(request).await.expect("an answer").collect().await;
    let mut json = Vec::new();
    completion.expect("whole").write_json(&mut json);
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["x_sim"]["kept"], true);
    let sent = upstream.log().requests.last().expect("a request").json();
    assert_eq!(sent["guided_choice"][0], "a");
}

#[tokio::test]
async fn the_system_prompt_is_the_preprompt_and_history_is_flattened() {
    let upstream = Kind::ChatUi2024.start().await;
    let client = client(Kind::ChatUi2024.config(&upstream)).await;
    let request = ChatRequest::new(MODEL).with_messages([
        Message::system("Be brief."),
        Message::user("Hi"),
        Message::assistant("Hello."),
        Message::user("PROMPT please"),
    ]);
    let completion = client.chat(request).await.expect("an answer").collect().await;
    insta::assert_snapshot!(completion.expect("whole").text());
}

#[tokio::test]
async fn images_reach_a_model_that_sees_and_no_other() {
    let upstream = Kind::ChatUi.start().await;
    let client = client(Kind::ChatUi.config(&upstream)).await;
    let image = Part::image("data:image/png;base64,iVBORw0KGgo=");
    let message = Message::user(vec![Part::text_part("What is this?"), image]);
    let seen = ChatRequest::new(MODEL).with_message(message.clone());
    client.chat(seen).await.expect("an answer").collect().await.expect("whole");
    let log = upstream.log();
    let sent = log.requests.iter().find(|request| request.body.windows(7).any(|w| w == b"base64;"));
    let body = String::from_utf8_lossy(&sent.expect("an upload").body).into_owned();
    assert!(body.contains("filename=\"base64;image-1.png\""), "{body}");
    assert!(body.contains("Content-Type: image/png\r\n\r\niVBORw0KGgo="), "{body}");

    let blind = ChatRequest::new("mock-flat").with_message(message);
    let before = upstream.log().generations;
    let error = client.chat(blind).await.expect_err("a model without vision");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(upstream.log().generations, before);
}

#[tokio::test]
async fn the_2024_family_works_behind_its_modal_and_without_its_api() {
    for (ethics_modal, expose_api) in [(true, true), (false, false), (true, false)] {
        let options = Options { ethics_modal, expose_api, ..Kind::ChatUi2024.options() };
        let upstream = start(options).await;
        let client = client(Kind::ChatUi2024.config(&upstream)).await;
        let text = client.ask(MODEL, "hello").await.expect("an answer");
        assert_eq!(text, ANSWER, "modal {ethics_modal}, api {expose_api}");
        let models = client.models().await.expect("a list");
        assert_eq!(models.len(), 2, "modal {ethics_modal}, api {expose_api}");
    }
}

#[tokio::test]
async fn a_coupled_cookie_set_is_sent_whole() {
    let session = Session { value: "abc".into(), user: "ada".into(), coupled: Some("def".into()) };
    let options = Options {
        login: true,
        sessions: vec![session],
        coupled_cookie: Some("token".into()),
        ..Options::default()
    };
    let upstream = start(options).await;
    let both = Kind::ChatUi.config(&upstream).with_credential("hf-chat=abc; token=def");
    assert_eq!(client(both).await.ask(MODEL, "hello").await.expect("an answer"), ANSWER);
    let half = Kind::ChatUi.config(&upstream).with_credential("hf-chat=abc");
    let error = client(half).await.ask(MODEL, "hello").await.expect_err("half a credential");
    assert_eq!(error.kind(), ErrorKind::CredentialRejected);
}

#[tokio::test]
async fn every_call_to_chat_ui_follows_its_transport_rules() {
    let upstream = Kind::ChatUi.start().await;
    let client = client(Kind::ChatUi.config(&upstream).with_credential("secret")).await;
    client.ask(MODEL, "hello").await.expect("an answer");
    let log = upstream.wait_for(|log| log.deleted.len() == 1).await;
    for request in &log.requests {
        assert_eq!(request.header("origin"), Some(upstream.url().as_str()), "{}", request.path);
        assert_eq!(request.header("accept"), Some("application/json"), "{}", request.path);
        assert_eq!(request.header("cookie"), Some("hf-chat=secret"), "{}", request.path);
        assert_eq!(request.header("accept-encoding"), None, "{}", request.path);
    }
    let sent = log
        .requests
        .iter()
        .find(|request| request.path.len() > "/conversation/".len() && request.method == "POST");
    let body = String::from_utf8_lossy(&sent.expect("a message").body).into_owned();
    assert!(body.contains(r#""selectedMcpServerNames":[],"selectedMcpServers":[]"#), "{body}");
    assert!(body.contains(r#""generationId":""#), "{body}");
}

#[tokio::test]
async fn anonymous_calls_share_the_session_that_the_server_gave() {
    for kind in [Kind::ChatUi, Kind::ChatUi2024] {
        let upstream = kind.start().await;
        let client = client(kind.config(&upstream)).await;
        let calls = (0..5).map(|_| client.ask(MODEL, "hello"));
        for answer in futures::future::join_all(calls).await {
            assert_eq!(answer.expect("an answer"), ANSWER);
        }
        let log = upstream.wait_for(|log| log.deleted.len() == 5).await;
        let cookies: std::collections::HashSet<_> =
            log.requests.iter().filter_map(|request| request.header("cookie")).collect();
        assert_eq!(cookies.len(), 1, "{kind:?}: {cookies:?}");
        assert!(log.conversations.is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn open_webui_gets_a_bearer_and_no_chat_id() {
    let options = Options { api_keys: vec!["jwt".into()], ..Kind::OpenWebUi.options() };
    let upstream = start(options).await;
    let client = client(Kind::OpenWebUi.config(&upstream).with_credential("token=jwt")).await;
    let mut request = ask("hello").with_stream(true);
    request.extra.insert("chat_id".into(), "x".into());
    request.extra.insert("session_id".into(), "y".into());
    let read = read(client.chat(request).await.expect("an answer")).await;
    assert_eq!(read.text, ANSWER);
    let log = upstream.log();
    let sent = log.requests.iter().find(|sent| sent.method == "POST").expect("the chat");
    assert_eq!(sent.header("authorization"), Some("Bearer jwt"));
    assert!(sent.json().get("chat_id").is_none());
}
