//! What happens when an upstream misbehaves, through the core's public door.

use std::time::Duration;

use crate::support::{KINDS, Kind, MODEL, ask, client, limited, pair, read, start};
use llm2api_core::{Client, ErrorKind, Limits, UpstreamConfig};
use llm2api_tests::plan::ANSWER;
use llm2api_tests::{Options, Script, Session, Step};
use serde_json::{Value, json};

/// Limits under which an answer that does not go on is soon given up.
fn impatient() -> Limits {
    let mut limits = Limits::default();
    limits.liveness_timeout = Duration::from_millis(500);
    limits
}

fn status(status: u16, headers: &[(&str, &str)]) -> Script {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let body = json!({"error": {"message": "scripted"}, "message": "scripted"});
    Script::steps([Step::Json { status, headers, body }])
}

#[tokio::test]
async fn g07_an_answer_that_breaks_is_an_error_and_no_stop() {
    for kind in KINDS {
        let upstream = kind.start().await;
        let client = client(kind.config(&upstream)).await;
        let stream = client.chat(ask("MIDCUT").with_stream(true)).await.expect("it begins");
        let read = read(stream).await;
        // chat-ui itself starts its model anew once; what it sent before cannot be taken back.
        assert!(read.text.starts_with("Hello from the mock"), "{kind:?}: {}", read.text);
        assert_eq!(read.finish, None, "{kind:?}");
        let error = read.error.unwrap_or_else(|| panic!("{kind:?} ended quietly"));
        assert_eq!(error.kind(), ErrorKind::UpstreamIncomplete, "{kind:?}: {error}");
        assert_eq!(upstream.log().generations, 1, "{kind:?}: nothing is retried after content");
    }
}

#[tokio::test]
async fn g07_half_an_answer_is_not_collected() {
    for kind in KINDS {
        let upstream = kind.start().await;
        let client = client(kind.config(&upstream)).await;
        let stream = client.chat(ask("MIDCUT").with_stream(true)).await.expect("it begins");
        assert!(stream.collect().await.is_err(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_silent_restart_is_told() {
    let upstream = Kind::ChatUi.start().await;
    let client = client(Kind::ChatUi.config(&upstream)).await;
    let stream = client.chat(ask("MIDERRONCE").with_stream(true)).await.expect("it begins");
    let read = read(stream).await;
    assert_eq!(read.error.expect("an error").code(), "upstream_diverged");
    assert_eq!(read.finish, None);
}

#[tokio::test]
async fn g08_a_fault_before_content_goes_to_another_credential() {
    let faults = [
        ("500", status(500, &[])),
        ("429", status(429, &[("retry-after", "60")])),
        ("403", status(403, &[])),
        (
            "html",
            Script::steps([Step::Text {
                status: 200,
                content_type: "text/html".into(),
                body: "<html>hello</html>".into(),
            }]),
        ),
        ("empty", Script::steps([Step::Status { status: 200, headers: vec![] }, Step::End])),
        ("cut", Script::steps([Step::Status { status: 200, headers: vec![] }, Step::Cut])),
        ("reset", Script::steps([Step::Reset])),
    ];
    for kind in KINDS {
        for (name, fault) in &faults {
            let upstream = kind.start().await;
            let config = kind.config(&upstream).with_credential("first").with_credential("second");
            let client = limited(config, &impatient()).await;
            upstream.script(fault.clone());
            let stream = client.chat(ask("hello").with_stream(true)).await;
            let read =
                read(stream.unwrap_or_else(|error| panic!("{kind:?} {name}: {error}"))).await;
            assert_eq!(read.text, ANSWER, "{kind:?} {name}");
        }
    }
}

#[tokio::test]
async fn g27_one_call_makes_at_most_three_sends() {
    for kind in KINDS {
        let upstream = kind.start().await;
        let config = ["a", "b", "c", "d", "e", "f"]
            .into_iter()
            .fold(kind.config(&upstream), UpstreamConfig::with_credential);
        let client = client(config).await;
        (0..9).for_each(|_| upstream.script(status(503, &[])));
        let error = client.chat(ask("hello")).await.expect_err("all fail");
        assert_eq!((error.kind(), error.status()), (ErrorKind::UpstreamFailed, Some(503)));
        assert!(error.is_exhausted(), "{kind:?}");
        let log = upstream.log();
        assert_eq!(log.senders().len(), 3, "{kind:?}");
    }
}

#[tokio::test]
async fn one_credential_is_used_once_more_after_a_passing_fault() {
    for kind in KINDS {
        let upstream = kind.start().await;
        let client = client(kind.config(&upstream).with_credential("only")).await;
        upstream.script(status(500, &[]));
        assert_eq!(client.ask(MODEL, "hello").await.expect("an answer"), ANSWER, "{kind:?}");
    }
}

#[tokio::test]
async fn the_callers_own_mistakes_are_not_retried() {
    for code in [400, 413, 422] {
        let upstream = Kind::OpenAi.start().await;
        let client = pair(Kind::OpenAi, &upstream).await;
        upstream.script(status(code, &[]));
        let error = client.chat(ask("hello")).await.expect_err("refused");
        assert!(!error.is_retryable(), "{code}: {error}");
        let log = upstream.log();
        let chats = log.requests.iter().filter(|request| request.method == "POST").count();
        assert_eq!(chats, 1, "{code}");
    }
}

#[tokio::test]
async fn g21_a_rate_limit_rests_the_credential_and_names_the_time() {
    let upstream = Kind::OpenAi.start().await;
    let client = client(Kind::OpenAi.config(&upstream).with_credential("only")).await;
    upstream.script(status(429, &[("retry-after", "60")]));
    let error = client.chat(ask("hello")).await.expect_err("limited");
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    let before = upstream.log().requests.len();
    let error = client.chat(ask("hello")).await.expect_err("rests");
    assert_eq!(error.kind(), ErrorKind::PoolExhausted);
    assert!(error.retry_after() > Some(Duration::from_secs(50)));
    assert_eq!(upstream.log().requests.len(), before, "a resting credential is not used");
}

#[tokio::test]
async fn a_dead_cookie_is_passed_over_and_nobody_notices() {
    let sessions = vec![Session { value: "good".into(), user: "ada".into(), coupled: None }];
    for kind in [Kind::ChatUi] {
        let options = Options { login: true, sessions: sessions.clone(), ..kind.options() };
        let upstream = start(options).await;
        let config = kind.config(&upstream).with_credential("dead").with_credential("good");
        let client = client(config).await;
        for _ in 0..4 {
            assert_eq!(client.ask(MODEL, "hello").await.expect("an answer"), ANSWER);
        }
    }
}

#[tokio::test]
async fn a_login_redirect_is_not_followed() {
    let upstream = start(Options { login: true, ..Options::default() }).await;
    let client = client(Kind::ChatUi.config(&upstream).with_credential("dead")).await;
    let error = client.ask(MODEL, "hello").await.expect_err("no login");
    assert_eq!(error.kind(), ErrorKind::CredentialRejected);
    let log = upstream.log();
    assert!(log.requests.iter().all(|request| !request.path.contains("__provider")));
}

#[tokio::test]
async fn g01_leaving_a_stream_frees_the_upstream() {
    for kind in KINDS {
        let options = Options { token_delay: Duration::from_millis(20), ..kind.options() };
        let upstream = start(options).await;
        let client = client(kind.config(&upstream)).await;
        let stream = client.chat(ask("LONGRUN").with_stream(true)).await.expect("it begins");
        assert_eq!(upstream.log().running.len(), 1, "{kind:?}");
        drop(stream);
        let log = upstream.wait_for(|log| log.aborted_streams == 1).await;
        if !kind.is_chat_ui() {
            continue;
        }
        let log = match log.deleted.len() {
            1 => log,
            _ => upstream.wait_for(|log| log.deleted.len() == 1).await,
        };
        assert_eq!(log.stop_calls.len(), 1, "{kind:?}");
        assert!(log.conversations.is_empty(), "{kind:?}");
        assert!(client.pool().list().iter().all(|status| status.in_flight == 0), "{kind:?}");
    }
}

#[tokio::test]
async fn g25_no_conversation_is_left_behind_a_whole_answer() {
    for kind in [Kind::ChatUi, Kind::ChatUi2024] {
        let upstream = kind.start().await;
        let client = client(kind.config(&upstream)).await;
        client.ask(MODEL, "hello").await.expect("an answer");
        let log = upstream.wait_for(|log| log.deleted.len() == 1).await;
        assert!(log.conversations.is_empty(), "{kind:?}");
        assert!(log.stop_calls.is_empty(), "{kind:?}: a run that is over is not stopped");
    }
}

#[tokio::test]
async fn shutting_down_waits_for_the_clean_up() {
    let upstream = Kind::ChatUi.start().await;
    let client = client(Kind::ChatUi.config(&upstream)).await;
    client.ask(MODEL, "hello").await.expect("an answer");
    client.shutdown(Duration::from_secs(10)).await;
    assert_eq!(upstream.log().deleted.len(), 1);
}

#[tokio::test]
async fn g10_silence_and_endless_keep_alives_both_end() {
    let mut limits = Limits::default();
    limits.liveness_timeout = Duration::from_millis(300);
    limits.progress_timeout = Duration::from_millis(600);
    for (kind, first) in [
        (Kind::ChatUi, Step::Line(json!({"type": "stream", "token": "Hello"}))),
        (Kind::OpenAi, event("Hello")),
    ] {
        let silent = vec![first.clone(), Step::Hang];
        let alive = (0..20).flat_map(|_| [Step::KeepAlive, Step::Sleep(100)]);
        let alive = [first].into_iter().chain(alive).chain([Step::Hang]).collect::<Vec<_>>();
        for (steps, code) in [(silent, "upstream_silent"), (alive, "upstream_stalled")] {
            let upstream = kind.start().await;
            let client = limited(kind.config(&upstream), &limits).await;
            upstream.script(Script::steps(steps));
            let stream = client.chat(ask("hello").with_stream(true)).await.expect("it begins");
            let read = read(stream).await;
            assert_eq!(read.error.map(|error| error.code()), Some(code), "{kind:?}");
            upstream.wait_for(|log| log.aborted_streams == 1).await;
        }
    }
}

/// A chunk with one choice.
fn chunk(delta: &Value, reason: Option<&str>) -> Step {
    Step::Event(json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }))
}

fn event(text: &str) -> Step {
    chunk(&json!({"content": text}), None)
}

fn end() -> Step {
    chunk(&json!({}), Some("stop"))
}

#[tokio::test]
async fn g09_a_stream_without_content_times_out_before_it_begins() {
    let mut limits = Limits::default();
    limits.first_content_timeout = Duration::from_millis(400);
    for kind in KINDS {
        let upstream = kind.start().await;
        let client = limited(kind.config(&upstream), &limits).await;
        let alive = (0..20).flat_map(|_| [Step::KeepAlive, Step::Sleep(50)]);
        upstream.script(Script::steps(alive.chain([Step::Hang])));
        let error = client.chat(ask("hello").with_stream(true)).await.expect_err("no content");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{kind:?}: {error}");
        upstream.wait_for(|log| log.aborted_streams == 1).await;
    }
}

#[tokio::test]
async fn an_upstream_that_is_away_is_said_to_be_away() {
    for kind in KINDS {
        let upstream = kind.start().await;
        let config = kind.config(&upstream);
        drop(upstream);
        let error = client(config).await.ask(MODEL, "hello").await.expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::Connect, "{kind:?}: {error}");
    }
}

#[tokio::test]
async fn g26_an_upstream_that_repeats_a_secret_does_not_spread_it() {
    for kind in KINDS {
        let upstream = kind.start().await;
        let client = client(kind.config(&upstream).with_credential("canary-4711")).await;
        let body =
            json!({"error": {"message": "bad cookie canary-4711"}, "message": "bad canary-4711"});
        (0..3).for_each(|_| upstream.script(Script::json(500, body.clone())));
        let error = client.chat(ask("hello")).await.expect_err("refused");
        let text = format!("{error} {error:?} {client:?}");
        assert!(!text.contains("canary"), "{kind:?}: {text}");
    }
}

#[tokio::test]
async fn an_alias_goes_on_to_the_next_upstream() {
    let (away, here) = (Kind::OpenAi.start().await, Kind::ChatUi.start().await);
    let mut first = Kind::OpenAi.config(&away);
    first.name = "first".into();
    let mut second = Kind::ChatUi.config(&here);
    second.name = "second".into();
    drop(away);
    let client = Client::builder()
        .with_upstream(first)
        .with_upstream(second)
        .with_alias("gpt", [format!("first/{MODEL}"), format!("second/{MODEL}")])
        .build()
        .await
        .expect("a client");
    assert_eq!(client.ask("gpt", "hello").await.expect("the second answers"), ANSWER);
    assert_eq!(client.ask(&format!("second/{MODEL}"), "hello").await.expect("by name"), ANSWER);
    assert_eq!(client.ask(MODEL, "hello").await.expect("by listing"), ANSWER);
    let error = client.ask("nope", "hello").await.expect_err("nobody who answers lists it");
    assert_eq!(error.kind(), ErrorKind::Connect, "the one who is away may serve it");
    assert_eq!(here.log().requests.iter().filter(|sent| sent.path == "/conversation").count(), 3);
}

#[tokio::test]
async fn one_request_may_be_sent_again_and_again() {
    let upstream = Kind::OpenAi.start().await;
    let client = client(Kind::OpenAi.config(&upstream).with_credential("only")).await;
    let request = ask("hello");
    for _ in 0..5 {
        client.chat(request.clone()).await.expect("an answer").collect().await.expect("whole");
    }
}

#[tokio::test]
async fn silence_before_content_is_not_answered_by_another_send() {
    let mut limits = Limits::default();
    limits.liveness_timeout = Duration::from_millis(200);
    for kind in KINDS {
        let upstream = kind.start().await;
        let config = kind.config(&upstream).with_credential("first").with_credential("second");
        let client = limited(config, &limits).await;
        upstream.script(Script::steps([Step::KeepAlive, Step::Hang]));
        let error = client.chat(ask("hello").with_stream(true)).await.expect_err("silence");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{kind:?}: {error}");
        let log = upstream.wait_for(|log| log.aborted_streams == 1).await;
        assert_eq!(log.senders().len(), 1, "{kind:?}: the model may be at work");
    }
}

#[tokio::test]
async fn a_stalled_json_body_is_given_up() {
    let mut limits = Limits::default();
    limits.liveness_timeout = Duration::from_millis(200);
    let upstream = Kind::OpenAi.start().await;
    let client = limited(Kind::OpenAi.config(&upstream), &limits).await;
    let head = vec![("content-type".into(), "application/json".into())];
    upstream.script(Script::steps([
        Step::Status { status: 200, headers: head },
        Step::Chunk("{\"id\":".into()),
        Step::Hang,
    ]));
    let error = client.chat(ask("hello")).await.expect_err("half a body");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn an_answer_without_text_keeps_its_reason() {
    let upstream = Kind::OpenAi.start().await;
    let client = client(Kind::OpenAi.config(&upstream)).await;
    for stream in [true, false] {
        upstream.script(Script::steps([
            chunk(&json!({"role": "assistant", "content": ""}), None),
            chunk(&json!({}), Some("content_filter")),
            Step::Done,
        ]));
        let answer = client.chat(ask("hello").with_stream(stream)).await.expect("an answer");
        let whole = answer.collect().await.expect("whole");
        assert_eq!(format!("{:?}", whole.finish_reason()), "Some(ContentFilter)", "{stream}");
    }
}

#[tokio::test]
async fn g16_token_counts_come_only_to_those_who_asked() {
    let upstream = Kind::OpenAi.start().await;
    let client = client(Kind::OpenAi.config(&upstream)).await;
    let unasked = Step::Event(json!({
        "id": "x", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }));
    let steps = [event("Hello"), end(), unasked, Step::Done];
    upstream.script(Script::steps(steps));
    let answer = client.chat(ask("hello").with_stream(true)).await.expect("an answer");
    assert_eq!(read(answer).await.usage, None, "nobody asked");

    upstream.script(Script::steps([event("Hello"), end(), Step::Done]));
    let answer = client.chat(ask("hello").with_stream(true).with_usage()).await.expect("an answer");
    let usage = read(answer).await.usage.expect("an estimate, since the upstream gave none");
    assert!(usage.estimated);
}

#[tokio::test]
async fn a_model_may_think_longer_than_a_stream_may_be_silent() {
    let mut limits = Limits::default();
    limits.liveness_timeout = Duration::from_millis(100);
    let upstream = Kind::OpenAi.start().await;
    let client = limited(Kind::OpenAi.config(&upstream), &limits).await;
    let head = vec![("content-type".into(), "text/event-stream".into())];
    upstream.script(Script::steps([
        Step::Status { status: 200, headers: head },
        Step::Sleep(400),
        event("Hello"),
        end(),
        Step::Done,
    ]));
    let answer = client.chat(ask("hello").with_stream(true)).await.expect("it began after all");
    assert_eq!(read(answer).await.text, "Hello");
}

#[tokio::test]
async fn g07_a_clean_end_without_the_upstreams_word_is_an_error() {
    let line = || Step::Line(json!({"type": "stream", "token": "Hello"}));
    let cases = [
        (Kind::OpenAi, vec![event("Hello"), Step::End]),
        (Kind::OpenAi, vec![event("Hello"), Step::Done]),
        (Kind::OpenWebUi, vec![event("Hello"), Step::Done]),
        (Kind::ChatUi, vec![line(), Step::End]),
        (Kind::ChatUi2024, vec![line(), Step::End]),
    ];
    for (kind, steps) in cases {
        for stream in [true, false] {
            let upstream = kind.start().await;
            let client = limited(kind.config(&upstream), &impatient()).await;
            upstream.script(Script::steps(steps.clone()));
            let answer = client.chat(ask("hello").with_stream(stream)).await.expect("it begins");
            let read = read(answer).await;
            assert_eq!((read.text.as_str(), read.finish), ("Hello", None), "{kind:?}");
            let error = read.error.unwrap_or_else(|| panic!("{kind:?} {steps:?} ended quietly"));
            assert_eq!(error.kind(), ErrorKind::UpstreamIncomplete, "{kind:?}: {error}");
        }
    }
}
