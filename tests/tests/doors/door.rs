//! The doors: each takes settings and the text of a request.

use std::time::Duration;

use futures::StreamExt;
use llm2api_core::{ChatItem, ChatRequest, ChatStream, Client};
use llm2api_server::config::{Settings, Sources};
use llm2api_tests::processes::{self, Outcome};
use serde_json::Value;

use crate::kind::Stage;
use crate::transcript::{Failure, Transcript};

/// How long what is left to be done may take at the end.
const PATIENCE: Duration = Duration::from_secs(10);
const CHAT: &str = "/v1/chat/completions";
/// Where the server names the parameters that an answer does not go by.
const IGNORED: &str = "x-llm2api-ignored-params";

/// A way to the engine.
pub(crate) trait Door {
    /// Opens the door with the settings of `stage`, asks, and closes it.
    async fn ask(stage: &Stage, body: &str) -> Transcript;
}

/// The Rust crate.
pub(crate) struct Crate;

/// The server, as a process of its own.
pub(crate) struct Server;

// ===== impl Crate =====

impl Door for Crate {
    async fn ask(stage: &Stage, body: &str) -> Transcript {
        let sources = Sources { environment: stage.settings.clone(), ..Sources::default() };
        let config = Settings::resolve(&sources).and_then(|settings| settings.config());
        let client = llm2api_server::client(&config.expect("valid settings")).await;
        let client = client.expect("an engine");
        let answer = answer(&client, body).await;
        client.shutdown(PATIENCE).await;
        answer.unwrap_or_else(|error| Transcript::refused(failure(error)))
    }
}

async fn answer(client: &Client, body: &str) -> llm2api_core::Result<Transcript> {
    let request = ChatRequest::from_json(body.as_bytes())?;
    let (streams, usage) = (request.streams(), request.wants_usage());
    let answer = client.chat(request).await?;
    let ignored = answer.ignored_parameters().to_vec();
    let transcript = match streams {
        true => read(answer.into_chunks(usage)).await,
        false => {
            let completion = answer.collect().await?;
            Transcript::whole(&json(|out| completion.write_json(out)))
        }
    };
    Ok(transcript.with_ignored(ignored))
}

async fn read(mut answer: ChatStream) -> Transcript {
    let (mut chunks, mut error) = (Vec::new(), None);
    while let Some(item) = answer.next().await {
        match item {
            Ok(ChatItem::Chunk(chunk)) => chunks.push(json(|out| chunk.write_json(out))),
            Ok(_) => {}
            Err(broken) => error = Some(failure(broken).in_a_stream()),
        }
    }
    Transcript::streamed(&chunks, error)
}

fn json(write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut text = Vec::new();
    write(&mut text);
    serde_json::from_slice(&text).expect("what is written is JSON")
}

fn failure(error: llm2api_core::Error) -> Failure {
    let failure = llm2api_server::Failure::from(error);
    Failure {
        status: Some(failure.status()),
        kind: failure.kind().to_owned(),
        code: failure.code().to_owned(),
        param: failure.param().map(str::to_owned),
        message: failure.message().to_owned(),
        retry_after: failure.retry_after().is_some(),
    }
}

// ===== impl Server =====

impl Door for Server {
    async fn ask(stage: &Stage, body: &str) -> Transcript {
        let data = tempfile::tempdir().expect("a directory");
        let folder = data.path().join("data");
        std::fs::create_dir(&folder).expect("a directory");
        let settings: Vec<_> =
            stage.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut server = processes::Server::start(&folder, &settings).await;
        let outcome = Outcome::to_text(&server.api, CHAT, body.to_owned()).await;
        server.signal("TERM").await;
        assert!(server.ended().await, "it ends well");
        let ignored = outcome.header(IGNORED).into_iter().flat_map(|names| names.split(", "));
        told(&outcome).with_ignored(ignored.map(str::to_owned).collect())
    }
}

fn told(outcome: &Outcome) -> Transcript {
    let mut objects = outcome.objects();
    let streams = outcome.header("content-type").is_some_and(|kind| kind.starts_with("text/event"));
    let broken = objects.last().is_some_and(|last| last["error"].is_object());
    let error = broken.then(|| envelope(outcome));
    match (streams, error) {
        (false, Some(error)) => Transcript::refused(error),
        (false, None) => Transcript::whole(&objects[0]),
        (true, None) => {
            assert!(outcome.is_done(), "neither an end nor an error: {outcome:?}");
            Transcript::streamed(&objects, None)
        }
        (true, Some(error)) => {
            objects.pop();
            Transcript::streamed(&objects, Some(error.in_a_stream()))
        }
    }
}

fn envelope(outcome: &Outcome) -> Failure {
    let error = outcome.error();
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    Failure {
        status: Some(outcome.status),
        kind: text("type").expect("a type"),
        code: text("code").expect("a code"),
        param: text("param"),
        message: text("message").expect("a message"),
        retry_after: outcome.retry_after.is_some(),
    }
}
