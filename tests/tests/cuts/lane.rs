//! Calls over connections that are cut, many at a time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use llm2api_core::{
    ChatItem, ChatRequest, ChatStream, Client, ConversationMode, Error, Limits, Message,
    UpstreamConfig,
};
use llm2api_tests::cutter::{Answers, Cut, Cutter};
use llm2api_tests::{Options, Simulator};
use tokio::task::JoinSet;

use crate::answer::Answer;

/// Calls at the same time.
const LANES: usize = 32;
/// More scripts than one call may make sends.
const SENDS: usize = 5;
const MODEL: &str = "mock/vision-1";

/// What all calls of a run have in common.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    pub(crate) kind: &'static str,
    pub(crate) options: Options,
    pub(crate) limits: Limits,
    pub(crate) answer: Answer,
    /// Whether the client asks for a stream.
    pub(crate) stream: bool,
}

/// What the client heard in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) reasoning: String,
    pub(crate) text: String,
    pub(crate) finish: Option<String>,
    /// Kind and code of the error.
    pub(crate) error: Option<(String, String)>,
}

/// What a call came to.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) plan: Vec<Cut>,
    pub(crate) heard: Heard,
    /// Generations that the upstream began.
    pub(crate) generations: u64,
    /// Cuts that were made.
    pub(crate) cuts: usize,
    /// Bytes of the answer to the first send that reached the client.
    pub(crate) bytes: u64,
}

impl Course {
    pub(crate) fn new(kind: &'static str, answer: Answer) -> Self {
        let (options, limits) = (Options::default(), Limits::default());
        Self { kind, options, limits, answer, stream: true }
    }

    /// Makes one call, alone and uncut.
    pub(crate) async fn whole(&self) -> Run {
        Lane::start(self).await.call(self, vec![Cut::none(Answers::Sends)]).await
    }

    /// Makes a call for each plan.
    pub(crate) async fn run(&self, plans: impl IntoIterator<Item = Vec<Cut>>) -> Vec<Run> {
        let plans = Arc::new(Mutex::new(plans.into_iter().collect::<VecDeque<_>>()));
        let mut lanes = JoinSet::new();
        for _ in 0..LANES {
            let (course, plans) = (self.clone(), Arc::clone(&plans));
            lanes.spawn(async move {
                let lane = Lane::start(&course).await;
                let mut runs = Vec::new();
                while let Some(plan) = take(&plans) {
                    runs.push(lane.call(&course, plan).await);
                }
                runs
            });
        }
        lanes.join_all().await.into_iter().flatten().collect()
    }
}

fn take(plans: &Mutex<VecDeque<Vec<Cut>>>) -> Option<Vec<Cut>> {
    plans.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

/// A simulator and the proxy before it; calls follow each other.
struct Lane {
    simulator: Simulator,
    cutter: Cutter,
}

impl Lane {
    async fn start(course: &Course) -> Self {
        let simulator = Simulator::start(course.options.clone()).await.expect("it listens");
        let cutter = Cutter::start(&simulator.url()).await.expect("it listens");
        Self { simulator, cutter }
    }

    /// Makes a call with a client of its own, so that no cut is held against the next one.
    async fn call(&self, course: &Course, plan: Vec<Cut>) -> Run {
        self.simulator.reset();
        for script in course.answer.scripts(SENDS) {
            self.simulator.script(script);
        }
        self.cutter.plan(plan.clone());
        let heard = hear(&self.client(course).await, course).await;
        let passed = self.cutter.passed();
        let sent = passed.iter().find(|one| one.method == "POST" && one.path.len() > 14);
        Run {
            plan,
            heard,
            generations: self.simulator.log().generations,
            cuts: passed.iter().filter(|one| one.cut).count(),
            bytes: sent.map_or(0, |one| one.bytes),
        }
    }

    async fn client(&self, course: &Course) -> Client {
        let base = if course.kind == "openai" { "/v1" } else { "" };
        let config = UpstreamConfig::new(course.kind, "sim");
        let config = config.with_url(format!("{}{base}", self.cutter.url()));
        let builder = Client::builder()
            .with_upstream(config)
            .with_limits(course.limits.clone())
            .with_conversations(ConversationMode::Fresh);
        builder.build().await.expect("a client")
    }
}

/// Asks, and listens to the end.
async fn hear(client: &Client, course: &Course) -> Heard {
    let message = Message::user(course.answer.prompt());
    let request = ChatRequest::new(MODEL).with_message(message).with_stream(course.stream);
    match client.chat(request).await {
        Ok(stream) if course.stream => listen(stream).await,
        Ok(stream) => match stream.collect().await {
            Ok(whole) => Heard {
                text: whole.text().to_owned(),
                finish: whole.finish_reason().map(|reason| format!("{reason:?}")),
                ..Heard::default()
            },
            Err(error) => Heard { error: Some(name(&error)), ..Heard::default() },
        },
        Err(error) => Heard { error: Some(name(&error)), ..Heard::default() },
    }
}

/// Listens to a streamed answer.
async fn listen(mut stream: ChatStream) -> Heard {
    let mut heard = Heard::default();
    while let Some(item) = stream.next().await {
        match item {
            Ok(ChatItem::Chunk(chunk)) => {
                assert!(heard.error.is_none(), "a chunk after the error: {heard:?}");
                heard.text.push_str(chunk.text());
                heard.reasoning.push_str(chunk.reasoning());
                if let Some(reason) = chunk.finish_reason() {
                    assert!(heard.finish.is_none(), "two reasons: {heard:?}");
                    heard.finish = Some(format!("{reason:?}"));
                }
            }
            Ok(item) => panic!("a stream gave {item:?}"),
            Err(error) => heard.error = Some(name(&error)),
        }
    }
    heard
}

fn name(error: &Error) -> (String, String) {
    (format!("{:?}", error.kind()), error.code().to_owned())
}
