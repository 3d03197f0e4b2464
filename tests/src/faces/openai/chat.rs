//! Chat completions, whole and streamed, compiled to the steps of a script.

use std::io;
use std::sync::Arc;

use serde_json::{Value, json};

use super::ask::{Ask, plan_text};
use super::reply::{Envelope, error, refusal, usage};
use super::routes::{take_key, unknown_model};
use crate::faces::open_webui;
use crate::http::{Exchange, Reply, Request};
use crate::log::Running;
use crate::plan::{Beat, Plan};
use crate::play::{Manner, Player};
use crate::script::{Script, Step};
use crate::state::State;

/// Whose chat completions these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// OpenAI's.
    OpenAi,
    /// Open WebUI's.
    OpenWebui,
}

/// Answers a chat completion.
pub(crate) async fn chat(
    state: &Arc<State>,
    request: &Request,
    exchange: &mut Exchange<'_>,
    script: Option<Script>,
    flavour: Flavour,
) -> io::Result<()> {
    let (ask, key) = match accept(state, request, flavour) {
        Ok(accepted) => accepted,
        Err(refused) => return exchange.reply(refused).await,
    };
    let script = script.or_else(|| state.take_script());
    let steps = match script {
        Some(script) => expand(state, &ask, script, flavour),
        None => compile(&ask, plan(state, &ask), flavour),
    };
    let _running = state.log.begin(Running {
        generation: uuid::Uuid::new_v4().to_string(),
        conversation: None,
        credential: key,
        model: ask.model.clone(),
    });
    let manner = Manner { headers: stream_headers(), lines: false, listener: None };
    Player::new(exchange, manner, &state.log).play(steps).await;
    Ok(())
}

/// What is asked and with which key, or the refusal.
fn accept(state: &State, request: &Request, flavour: Flavour) -> Result<(Ask, String), Reply> {
    let web = flavour == Flavour::OpenWebui;
    let refuse = |refused: Reply, detail: &str| {
        if web { open_webui::detail(400, detail) } else { refused }
    };
    let key = if web { open_webui::take_key(state, request) } else { take_key(state, request) }?;
    let Some(ask) = Ask::parse(request.body()) else {
        let message = "We could not parse the JSON body of your request.";
        return Err(refuse(error(400, "invalid_request_error", None, message), message));
    };
    if web && let Some(task) = open_webui::task(ask.body()) {
        return Err(task);
    }
    if state.options().model(&ask.model).is_none() {
        return Err(refuse(unknown_model(&ask.model), "Model not found"));
    }
    Ok((ask, key))
}

/// What the model does; a break that happens once lies behind the second time.
fn plan(state: &State, ask: &Ask) -> Plan {
    let prompt = ask.prompt(&state.options());
    let plan = Plan::of(&prompt);
    let healed = plan.once && !state.first_failure(&prompt.text);
    ask.limit(if healed { plan.after_break() } else { plan })
}

/// Replaces the answers in a script by their steps.
fn expand(state: &State, ask: &Ask, script: Script, flavour: Flavour) -> Vec<Step> {
    let delay = state.options().token_delay;
    let one = |step| match step {
        Step::Answer(text) => compile(ask, Plan::text(&text, delay), flavour),
        step => vec![step],
    };
    script.steps.into_iter().flat_map(one).collect()
}

/// The steps of an answer.
fn compile(ask: &Ask, plan: Plan, flavour: Flavour) -> Vec<Step> {
    if let Some(refused) = plan.refusal() {
        return whole(refusal(refused));
    }
    if ask.stream { stream(ask, plan, flavour) } else { completion(ask, &plan) }
}

fn stream(ask: &Ask, plan: Plan, flavour: Flavour) -> Vec<Step> {
    let envelope = Envelope::new(ask, &plan);
    let mut steps = vec![Step::Status { status: 200, headers: stream_headers() }];
    if flavour == Flavour::OpenWebui {
        steps.push(Step::Event(json!({"selected_model_id": ask.model})));
    }
    let first = json!({"role": "assistant", "content": ""});
    steps.push(Step::Event(envelope.chunk(&first, None)));
    let mut finish = plan.finish;
    if let Some(name) = called_tool(ask, &plan) {
        let deltas = tool_deltas(name);
        steps.extend(deltas.iter().map(|delta| Step::Event(envelope.chunk(delta, None))));
        finish = Some("tool_calls");
    } else if let Some(message) = say(&mut steps, &envelope, plan) {
        steps.extend(broken(message, flavour));
        return steps;
    }
    steps.extend(finish.map(|finish| Step::Event(envelope.chunk(&json!({}), Some(finish)))));
    steps.extend(envelope.usage_chunk().map(Step::Event));
    steps.push(Step::Done);
    steps
}

/// Adds the tokens up to a break, whose message it returns.
fn say(steps: &mut Vec<Step>, envelope: &Envelope, plan: Plan) -> Option<&'static str> {
    let pause = u64::try_from(plan.pause.as_millis()).unwrap_or(u64::MAX);
    for beat in plan.beats {
        let delta = match beat {
            Beat::Text(text) => json!({"content": text}),
            Beat::Think(text) => json!({"reasoning_content": text}),
            Beat::Break(message) => return Some(message),
            Beat::Tool | Beat::Refuse(_) => continue,
        };
        steps.extend([Step::Sleep(pause), Step::Event(envelope.chunk(&delta, None))]);
    }
    None
}

fn completion(ask: &Ask, plan: &Plan) -> Vec<Step> {
    let envelope = Envelope::new(ask, plan);
    let tool = called_tool(ask, plan);
    let finish = if tool.is_some() { Some("tool_calls") } else { plan.finish };
    let body = envelope.completion(&message(plan, tool), finish, usage(ask, plan));
    let beats = u32::try_from(plan.beats.len()).unwrap_or(u32::MAX);
    let time = u64::try_from((plan.pause * beats).as_millis()).unwrap_or(u64::MAX);
    let mut steps = vec![Step::Sleep(time)];
    if plan.beats.iter().any(|beat| matches!(beat, Beat::Break(_))) {
        let body = body.to_string().into_bytes();
        let length = ("content-length".to_owned(), body.len().to_string());
        let content_type = ("content-type".to_owned(), "application/json".to_owned());
        steps.push(Step::Status { status: 200, headers: vec![content_type, length] });
        steps.extend([Step::Bytes(body[..body.len() / 2].to_vec()), Step::Cut]);
    } else {
        steps.extend(whole(Reply::json(200, &body)));
    }
    steps
}

/// The message of a whole completion.
fn message(plan: &Plan, tool: Option<&str>) -> Value {
    let mut message = json!({"role": "assistant", "content": plan_text(plan), "refusal": null});
    let thoughts = plan.beats.iter().filter_map(|beat| match beat {
        Beat::Think(text) => Some(text.as_str()),
        _ => None,
    });
    let thoughts: String = thoughts.collect();
    if !thoughts.is_empty() {
        message["reasoning_content"] = json!(thoughts);
    }
    if let Some(name) = tool {
        message["content"] = Value::Null;
        message["tool_calls"] = json!([{
            "id": call_id(), "type": "function",
            "function": {"name": name, "arguments": "{\"q\":\"x\"}"},
        }]);
    }
    message
}

/// The deltas of a tool call, its arguments in two pieces.
fn tool_deltas(name: &str) -> Vec<Value> {
    let call = json!({
        "index": 0, "id": call_id(), "type": "function",
        "function": {"name": name, "arguments": ""},
    });
    let piece = |text| json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]});
    vec![json!({"tool_calls": [call]}), piece("{\"q\":"), piece("\"x\"}")]
}

fn called_tool<'a>(ask: &'a Ask, plan: &Plan) -> Option<&'a str> {
    plan.beats.contains(&Beat::Tool).then(|| ask.tool()).flatten()
}

fn call_id() -> String {
    format!("call_{}", &uuid::Uuid::new_v4().simple().to_string()[..16])
}

/// How a stream breaks.
fn broken(message: &str, flavour: Flavour) -> Vec<Step> {
    match flavour {
        Flavour::OpenAi => vec![Step::Cut],
        Flavour::OpenWebui => {
            vec![Step::Event(json!({"error": {"message": message}})), Step::Done]
        }
    }
}

fn whole(reply: Reply) -> Vec<Step> {
    let length = ("content-length".to_owned(), reply.body.len().to_string());
    let mut headers = reply.headers;
    headers.push(length);
    vec![Step::Status { status: reply.status, headers }, Step::Bytes(reply.body)]
}

fn stream_headers() -> Vec<(String, String)> {
    vec![
        ("content-type".to_owned(), "text/event-stream; charset=utf-8".to_owned()),
        ("cache-control".to_owned(), "no-cache".to_owned()),
    ]
}
