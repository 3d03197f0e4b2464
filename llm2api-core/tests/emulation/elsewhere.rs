//! What one upstream lacks another may have.

use llm2api_core::{ChatRequest, Client, ErrorKind, Message};

use crate::model::Script;

async fn both(text: &Script, whole: &Script) -> Client {
    let builder = text.join(Client::builder(), "text");
    let builder = whole.join(builder, "whole");
    let builder = builder.with_alias("both", ["text/text", "whole/text"]);
    builder.build().await.expect("a client")
}

fn two_answers(model: &str) -> ChatRequest {
    let mut request = ChatRequest::new(model).with_message(Message::user("Hello"));
    request.n = Some(2);
    request
}

#[tokio::test]
async fn what_one_upstream_lacks_is_asked_of_another_that_serves_the_model() {
    let (text, whole) = (Script::new(["no"]), Script::new(["yes"]).with_everything());
    let client = both(&text, &whole).await;
    let answer = client.chat(two_answers("both")).await.expect("an answer");
    assert_eq!(answer.collect().await.expect("whole").text(), "yes");
    assert!(text.asked().is_empty());
}

#[tokio::test]
async fn what_the_only_upstream_lacks_is_refused_as_that() {
    let (text, whole) = (Script::new(["no"]), Script::new(["yes"]).with_everything());
    let client = both(&text, &whole).await;
    let error = client.chat(two_answers("text/text")).await.expect_err("one answer only");
    assert_eq!((error.kind(), error.param()), (ErrorKind::Unsupported, Some("n")));
    assert!(text.asked().is_empty() && whole.asked().is_empty());
}
