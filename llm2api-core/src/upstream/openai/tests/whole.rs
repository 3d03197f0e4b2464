//! Whole answers: what is known of one without reading it into its types.

use bytes::Bytes;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::chat::{ChatItem, ChatRequest, Completion, Message, TokenCounts, Usage};
use crate::credential::Credential;
use crate::upstream::openai::decoder::read_whole;
use crate::{Client, UpstreamConfig};

fn whole() -> Value {
    json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"},
            "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 70, "completion_tokens": 5, "total_tokens": 75,
            "prompt_tokens_details": {"cached_tokens": 64}},
    })
}

fn read(json: &Value) -> Completion {
    let (request, credential) = (ChatRequest::new("m"), Credential::anonymous("x"));
    read_whole(Bytes::from(json.to_string()), &request, &credential).expect("an answer")
}

fn figures(completion: &Completion) -> Option<(u64, u64, bool)> {
    let TokenCounts { prompt, completion, estimated } = completion.token_counts()?;
    Some((prompt, completion, estimated))
}

#[tokio::test]
async fn a_whole_answer_passes_through_the_engine_unread() {
    let server = MockServer::start().await;
    let reply = ResponseTemplate::new(200).set_body_json(whole());
    Mock::given(any()).respond_with(reply).mount(&server).await;
    let upstream = UpstreamConfig::new("openai", "up").with_url(server.uri());
    let client = Client::builder().with_upstream(upstream).build().await.expect("a client");
    let request = ChatRequest::new("m").with_message(Message::user("Hello"));
    let answer = client.chat(request).await.expect("sent").collect().await.expect("whole");
    let mut json = Vec::new();
    answer.write_json(&mut json);
    assert_eq!(json, whole().to_string().into_bytes());
    let given = client.metrics().total().given;
    assert_eq!((given.prompt, given.completion), (70, 5), "the figures were counted");
    assert!(!answer.is_parsed());
    assert_eq!(answer.text(), "Hi");
    assert!(answer.is_parsed(), "now somebody has looked");
}

#[test]
fn figures_that_were_seen_are_those_of_the_body() {
    let estimate = |value: Value| {
        let mut json = whole();
        json["usage"]["llm2api_estimated"] = value;
        json
    };
    let mut without = whole();
    without["usage"] = Value::Null;
    for (json, expected) in [
        (whole(), Some((70, 5, false))),
        (estimate(json!(true)), Some((70, 5, true))),
        (estimate(json!(false)), Some((70, 5, false))),
        (without, None),
    ] {
        let answer = read(&json);
        assert_eq!(figures(&answer), expected, "{json}");
        assert!(!answer.is_parsed());
        assert_eq!(answer.usage().map(TokenCounts::from), answer.token_counts(), "{json}");
    }
    assert_eq!(figures(&read(&estimate(json!(["odd"])))), Some((70, 5, false)));
}

#[test]
fn figures_that_were_changed_are_told() {
    let mut answer = read(&whole());
    answer.body_mut().usage = Some(Usage::estimate(1, 2));
    assert_eq!(figures(&answer), Some((1, 2, true)));
    answer.body_mut().usage = None;
    assert_eq!(figures(&answer), None);
}

#[test]
fn items_tell_the_figures_they_carry() {
    let item = ChatItem::Whole(Box::new(read(&whole())));
    assert_eq!(item.token_counts(), Some(TokenCounts::from(read(&whole()).usage().expect("some"))));
    assert_eq!(ChatItem::Progress.token_counts(), None);
}
