use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use serde_json::json;
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt, service_fn};

use super::*;
use crate::chat::{ChunkBody, Content, Extra, Message, Part};
use crate::pool::Route;
use crate::search::{Query, Search, Source};

/// An engine that notes what it is asked, and finds one page after a while.
#[derive(Clone, Debug, Default)]
struct Engine {
    asked: Arc<Mutex<Vec<String>>>,
    takes: Duration,
    fails: Option<ErrorKind>,
    /// Held while somebody waits for it.
    waiting: Arc<()>,
}

#[async_trait]
impl Search for Engine {
    async fn page(&self, query: &Query, page: NonZeroU32) -> Result<Vec<Source>> {
        let _waiting = self.waiting.clone();
        self.asked.lock().expect("no panic").push(query.text().to_owned());
        sleep(self.takes).await;
        match self.fails {
            Some(kind) => Err(Error::new(kind, "search", "no").with_code("search_failed")),
            None if page > NonZeroU32::MIN => Ok(Vec::new()),
            None => {
                Ok(Source::new("https://a.example/", "A page", "It says so.").into_iter().collect())
            }
        }
    }
}

impl Engine {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// Answers what is inside the search with the given texts, the last one always, and notes requests.
#[derive(Clone, Debug, Default)]
struct Model {
    seen: Arc<Mutex<Vec<ChatRequest>>>,
    says: Arc<Mutex<VecDeque<Result<&'static str, ErrorKind>>>>,
}

impl Model {
    fn saying(says: &[Result<&'static str, ErrorKind>]) -> Self {
        Self { says: Arc::new(Mutex::new(says.iter().copied().collect())), ..Self::default() }
    }

    fn answer(&self, request: ChatRequest) -> Result<ChatStream> {
        self.seen.lock().expect("no panic").push(request);
        let said = self.says.lock().expect("no panic").pop_front().unwrap_or(Ok("It says so [1]."));
        let text = said.map_err(|kind| Error::new(kind, "chat", "no"))?;
        let chunk = ChunkBody::text("id", "m", text);
        Ok(ChatStream::new(futures::stream::iter([Ok(crate::chat::ChatItem::Chunk(chunk.into()))])))
    }

    /// Calls it through the layer.
    async fn ask(&self, settings: WebSearch, request: ChatRequest) -> Result<ChatStream> {
        let layer = WebSearchLayer::new(settings).expect("nothing is read");
        self.ask_by(&layer, request).await
    }

    async fn ask_by(&self, layer: &WebSearchLayer, request: ChatRequest) -> Result<ChatStream> {
        let model = self.clone();
        let inner = service_fn(move |request| {
            let answer = model.answer(request);
            async move { answer }
        });
        layer.layer(inner).oneshot(request).await
    }

    fn seen(&self) -> Vec<ChatRequest> {
        self.seen.lock().expect("no panic").clone()
    }
}

fn request(question: &str) -> ChatRequest {
    ChatRequest::new("m").with_message(Message::user(question))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_asks_for_no_search_passes() {
    let (engine, model) = (Engine::default(), Model::default());
    let answer = model.ask(WebSearch::new(engine.clone()), request("What?")).await.expect("answer");
    assert!(answer.search_note().is_none());
    assert_eq!(answer.collect().await.expect("whole").text(), "It says so [1].");
    assert!(engine.asked().is_empty());
    assert_eq!(model.seen()[0].messages[0], Message::user("What?"));
}

#[tokio::test(start_paused = true)]
async fn what_was_found_stands_in_the_prompt_and_in_the_answer() {
    let (engine, model) = (Engine::default(), Model::default());
    let asked = request("What?").with_web_search();
    let answer = model.ask(WebSearch::new(engine.clone()), asked).await.expect("answer");
    let note = SearchNote::Completed { query: "What?".into(), results: 1 };
    assert_eq!(answer.search_note(), Some(&note));
    let text = answer.collect().await.expect("whole").text().to_owned();
    assert_eq!(text, "<search>\n\n1. [A page](https://a.example/)\n\n</search>\n\nIt says so [1].");
    assert_eq!(engine.asked(), ["What?", "What?"], "two pages: the first one was short");
    let seen = &model.seen()[0];
    assert!(seen.extra.is_empty(), "no upstream is to search again");
    let prompt = seen.messages[0].text();
    assert!(prompt.contains("Text: It says so.\n</source>") && prompt.ends_with("\nWhat?"));
}

#[tokio::test(start_paused = true)]
async fn every_call_is_searched_for_where_that_is_set() {
    let (engine, model) = (Engine::default(), Model::default());
    let settings = WebSearch::new(engine.clone()).with_every_call(true).with_block(false);
    let answer = model.ask(settings, request("What?")).await.expect("answer");
    assert_eq!(answer.collect().await.expect("whole").text(), "It says so [1].");
    assert!(!engine.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_json_stays_json() {
    let mut formatted = request("What?").with_web_search();
    formatted.response_format = Some(json!({"type": "json_object"}).into());
    let mut guided = request("What?").with_web_search();
    guided.extra.insert("guided_json".into(), json!({}));
    for asked in [formatted, guided] {
        let model = Model::saying(&[Ok("{\"years\": [1]}")]);
        let answer = model.ask(WebSearch::new(Engine::default()), asked).await.expect("answer");
        assert_eq!(answer.collect().await.expect("whole").text(), "{\"years\": [1]}");
        assert!(!model.seen()[0].messages[0].text().contains("[1]"), "it is not told to cite");
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_that_fails_fails_no_chat() {
    for kind in ErrorKind::ALL {
        let (engine, model) = (Engine { fails: Some(kind), ..Engine::default() }, Model::default());
        let asked = request("What?").with_web_search();
        let answer = model.ask(WebSearch::new(engine), asked).await.expect("answer");
        assert_eq!(answer.search_note().and_then(SearchNote::code), Some("search_failed"));
        assert_eq!(answer.collect().await.expect("whole").text(), "It says so [1].");
        assert_eq!(model.seen()[0].messages[0], Message::user("What?"), "as it was asked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_that_stalls_is_cut() {
    let engine = Engine { takes: Duration::from_secs(60), ..Engine::default() };
    let model = Model::default();
    let begun = Instant::now();
    let asked = request("What?").with_web_search();
    let answer = model.ask(WebSearch::new(engine), asked).await.expect("answer");
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
    assert_eq!(answer.search_note().and_then(SearchNote::code), Some("search_timeout"));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_keeps_failing_is_left_alone_for_a_while() {
    let engine = Engine { takes: Duration::from_secs(60), ..Engine::default() };
    let model = Model::default();
    let layer = WebSearchLayer::new(WebSearch::new(engine)).expect("nothing is read");
    let mut waited = Vec::new();
    for question in ["a", "b", "c", "d"] {
        let begun = Instant::now();
        model.ask_by(&layer, request(question).with_web_search()).await.expect("answer");
        waited.push(begun.elapsed().as_secs());
    }
    assert_eq!(waited, [10, 10, 10, 0]);
}

#[tokio::test(start_paused = true)]
async fn g02_who_leaves_ends_the_search() {
    let engine = Engine { takes: Duration::from_secs(5), ..Engine::default() };
    let waiting = engine.waiting.clone();
    let model = Model::default();
    let asked = request("What?").with_web_search();
    let mut call = Box::pin(model.ask(WebSearch::new(engine), asked));
    assert!(call.as_mut().now_or_never().is_none());
    let here = Arc::strong_count(&waiting);
    drop(call);
    assert!(Arc::strong_count(&waiting) < here - 1, "neither engine nor search is left");
    assert!(model.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn options_that_cannot_be_read_are_the_callers_mistake() {
    let mut asked = request("What?");
    asked.extra.insert("web_search_options".into(), json!("yes"));
    let model = Model::default();
    let error = model.ask(WebSearch::new(Engine::default()), asked).await.expect_err("wrong");
    assert_eq!(
        (error.kind(), error.param()),
        (ErrorKind::InvalidRequest, Some("web_search_options"))
    );
    assert!(model.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_picture_alone_asks_nothing() {
    let parts = Content::Parts(vec![Part::image("data:image/png;base64,AA==")]);
    let asked = ChatRequest::new("m").with_message(Message::user(parts)).with_web_search();
    let model = Model::default();
    let answer = model.ask(WebSearch::new(Engine::default()), asked).await.expect("answer");
    assert_eq!(answer.search_note().and_then(SearchNote::code), Some("search_no_question"));
}

fn follow_up() -> ChatRequest {
    request("Who was Ada Lovelace?")
        .with_message(Message::assistant("<search>\n1. [x](https://x.example/)\n</search>\n\nShe."))
        .with_message(Message::user("And when did she live?"))
        .with_web_search()
}

#[tokio::test(start_paused = true)]
async fn blocks_that_come_back_take_no_context() {
    for asked in [follow_up(), ChatRequest { extra: Extra::default(), ..follow_up() }] {
        let model = Model::default();
        model.ask(WebSearch::new(Engine::default()), asked).await.expect("answer");
        assert_eq!(model.seen()[0].messages[1], Message::assistant("She."));
    }
}

#[tokio::test(start_paused = true)]
async fn the_model_is_asked_what_to_search_for() {
    let (engine, model) = (Engine::default(), Model::saying(&[Ok("\"ada lovelace years\"\n")]));
    let settings = WebSearch::new(engine.clone()).with_rewriting(true).with_result_pages(1);
    let answer = model.ask(settings, follow_up()).await.expect("answer");
    assert_eq!(engine.asked(), ["ada lovelace years"]);
    let note = SearchNote::Completed { query: "ada lovelace years".into(), results: 1 };
    assert_eq!(answer.search_note(), Some(&note));
    let [first, second] = model.seen().try_into().expect("two questions");
    insta::assert_snapshot!(first.messages[0].text());
    assert_eq!((first.call.sends_left(), second.call.sends_left()), (1, 2), "of three");
    assert!(second.messages[2].text().ends_with("And when did she live?"));
}

#[tokio::test(start_paused = true)]
async fn g27_without_a_send_to_spare_nobody_asks_for_a_query() {
    let (engine, model) = (Engine::default(), Model::default());
    let settings = WebSearch::new(engine.clone()).with_rewriting(true).with_result_pages(1);
    let mut asked = follow_up();
    asked.call = asked.call.with_sends(1);
    model.ask(settings, asked).await.expect("answer");
    assert_eq!(engine.asked(), ["And when did she live?"]);
    assert_eq!(model.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_gives_no_query_fails_no_search() {
    for said in [Err(ErrorKind::RateLimited), Ok(""), Ok(" \n\"\" ")] {
        let (engine, model) = (Engine::default(), Model::saying(&[said]));
        let settings = WebSearch::new(engine.clone()).with_rewriting(true).with_result_pages(1);
        model.ask(settings, follow_up()).await.expect("answer");
        assert_eq!(engine.asked(), ["And when did she live?"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_slow_with_its_query_is_not_waited_for() {
    let engine = Engine::default();
    let slow = service_fn(|request: ChatRequest| async move {
        if request.messages.len() == 1 {
            sleep(Duration::from_secs(600)).await;
        }
        Model::default().answer(request)
    });
    let settings = WebSearch::new(engine.clone()).with_rewriting(true);
    let layer = WebSearchLayer::new(settings).expect("nothing is read");
    let begun = Instant::now();
    layer.layer(slow).ready().await.expect("ready").call(follow_up()).await.expect("answer");
    assert_eq!(begun.elapsed(), Duration::from_secs(5), "half of the time");
    assert_eq!(engine.asked()[0], "And when did she live?");
}

#[tokio::test(start_paused = true)]
async fn a_search_has_one_deadline_with_all_that_belongs_to_it() {
    let engine = Engine { takes: Duration::from_secs(60), ..Engine::default() };
    let slow = service_fn(|request: ChatRequest| async move {
        if request.messages.len() == 1 {
            sleep(Duration::from_secs(600)).await;
        }
        Model::default().answer(request)
    });
    let settings = WebSearch::new(engine).with_rewriting(true);
    let layer = WebSearchLayer::new(settings).expect("nothing is read");
    let begun = Instant::now();
    layer.layer(slow).oneshot(follow_up()).await.expect("answer");
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_for_a_query_while_the_engine_rests() {
    let engine = Engine { fails: Some(ErrorKind::RateLimited), ..Engine::default() };
    let layer = WebSearchLayer::new(WebSearch::new(engine).with_rewriting(true));
    let layer = layer.expect("nothing is read");
    let model = Model::default();
    for asked in [2, 3] {
        model.ask_by(&layer, follow_up()).await.expect("answer");
        assert_eq!(model.seen().len(), asked, "the second time for the answer alone");
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_of_a_tool_has_the_sources_and_no_block() {
    let (engine, model) = (Engine::default(), Model::default());
    let settings = WebSearch::new(engine.clone()).with_rewriting(true);
    let steps = [Message::assistant("calls"), Message::new(Role::Tool, "result")];
    let mut asked = request("What?").with_web_search();
    for step in steps {
        asked = asked.with_message(step);
    }
    let answer = model.ask(settings, asked).await.expect("answer");
    assert_eq!(answer.collect().await.expect("whole").text(), "It says so [1].");
    assert_eq!(model.seen().len(), 1, "nobody asks for another query half-way");
    assert!(model.seen()[0].messages[0].text().contains("<source number=\"1\">"));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_for_the_model_is_left_out() {
    let refuses = |request: &ChatRequest| request.messages[0].text().contains("<sources>");
    let model = Model::default();
    let inner = service_fn(move |request: ChatRequest| {
        assert!(request.call.take_send());
        let answer = match refuses(&request) {
            true => Err(Error::new(ErrorKind::InvalidRequest, "chat", "too long")
                .with_code("context_length_exceeded")),
            false => model.answer(request),
        };
        async move { answer }
    });
    let layer = WebSearchLayer::new(WebSearch::new(Engine::default())).expect("nothing is read");
    let asked = request("What?").with_web_search();
    let answer = layer.layer(inner.clone()).oneshot(asked).await.expect("answer");
    assert_eq!(answer.search_note().and_then(SearchNote::code), Some("search_too_long"));
    assert_eq!(answer.search_tokens(), 0);
    let mut asked = request("What?").with_web_search();
    asked.call = asked.call.with_sends(1);
    let error = layer.layer(inner).oneshot(asked).await.expect_err("no send is left");
    assert_eq!(error.code(), "context_length_exceeded");
}

#[tokio::test(start_paused = true)]
async fn what_the_search_adds_is_counted_and_nobody_goes_on_from_it() {
    let model = Model::default();
    let asked = request("What?").with_web_search();
    let answer = model.ask(WebSearch::new(Engine::default()), asked).await.expect("answer");
    let prompt = model.seen()[0].messages[0].text();
    let added = estimate_tokens(&prompt) - estimate_tokens("What?");
    assert_eq!(answer.search_tokens(), added);
    assert!(model.seen()[0].call.is_passing());
    let (engine, model) = (Engine::default(), Model::saying(&[Ok("query")]));
    let settings = WebSearch::new(engine).with_rewriting(true);
    let answer = model.ask(settings, request("What?").with_web_search()).await.expect("answer");
    assert!(answer.search_tokens() > added + estimate_tokens(&model.seen()[0].messages[0].text()));
}

#[tokio::test(start_paused = true)]
async fn an_idle_layer_takes_blocks_out_and_leaves_the_wish_to_others() {
    let model = Model::default();
    model.ask_by(&WebSearchLayer::idle(), follow_up()).await.expect("answer");
    let seen = &model.seen()[0];
    assert_eq!(seen.messages[1], Message::assistant("She."));
    assert!(seen.extra.contains_key("web_search_options") && !seen.call.is_passing());
}

/// Knows no model.
#[derive(Debug)]
struct NoRoutes;

#[async_trait]
impl Routes for NoRoutes {
    async fn routes(&self, _: &str) -> Result<Vec<Route>> {
        Err(Error::new(ErrorKind::ModelNotFound, "route", "nobody has it"))
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_searched_for_a_model_that_nobody_has() {
    let (engine, model) = (Engine::default(), Model::default());
    let layer = WebSearchLayer::new(WebSearch::new(engine.clone())).expect("nothing is read");
    let layer = layer.with_routes(Arc::new(NoRoutes));
    let error = model.ask_by(&layer, request("What?").with_web_search()).await.expect_err("none");
    assert_eq!(error.kind(), ErrorKind::ModelNotFound);
    assert!(engine.asked().is_empty() && model.seen().is_empty());
    model.ask_by(&layer, request("What?")).await.expect("others are not looked at");
}

#[tokio::test(start_paused = true)]
async fn g19_a_question_for_the_query_and_its_answer_cost_one_credential_at_most() {
    let inner = service_fn(|request: ChatRequest| async move {
        if request.call.is_passing() && request.messages.len() == 1 {
            request.call.blame("first".into());
        }
        Err::<ChatStream, _>(Error::new(ErrorKind::RateLimited, "chat", "slow down"))
    });
    let settings = WebSearch::new(Engine::default()).with_rewriting(true);
    let layer = WebSearchLayer::new(settings).expect("nothing is read");
    let asked = follow_up();
    let call = asked.call.clone();
    let mut service = layer.layer(inner);
    let until_answer = service.ready().await.expect("ready").call(asked);
    assert!(until_answer.await.is_err());
    assert!(call.may_blame("first") && !call.may_blame("second"));
}
