//! A request for a chat completion, as far as the simulator looks at it.

use serde_json::Value;

use crate::options::Options;
use crate::plan::{Beat, Plan, Prompt, tokens};

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Model.
    pub(crate) model: String,
    /// Whether the answer is to be streamed.
    pub(crate) stream: bool,
    /// Whether the stream ends with the usage.
    pub(crate) include_usage: bool,
    body: Value,
}

impl Ask {
    /// Reads a body; none when it is no JSON object with messages and model.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        body["messages"].as_array()?;
        Some(Self {
            model: body["model"].as_str()?.to_owned(),
            stream: body["stream"].as_bool().unwrap_or(false),
            include_usage: body["stream_options"]["include_usage"].as_bool().unwrap_or(false),
            body,
        })
    }

    /// The body.
    pub(crate) fn body(&self) -> &Value {
        &self.body
    }

    /// What the model is asked.
    pub(crate) fn prompt(&self, options: &Options) -> Prompt {
        Prompt {
            text: self.last_user_text(),
            input: self.body["messages"].to_string(),
            model: self.model.clone(),
            delay: options.token_delay,
        }
    }

    /// All text of the messages.
    pub(super) fn prompt_text(&self) -> String {
        let texts: Vec<_> = self.messages().iter().map(text).collect();
        texts.join(" ")
    }

    /// Name of the tool to call: the one that is demanded, else the first.
    pub(super) fn tool(&self) -> Option<&str> {
        if self.messages().last().is_some_and(|message| message["role"] == "tool") {
            return None;
        }
        let demanded = self.body["tool_choice"]["function"]["name"].as_str();
        demanded.or_else(|| self.body["tools"][0]["function"]["name"].as_str())
    }

    /// The plan within the limits that were asked for.
    pub(super) fn limit(&self, mut plan: Plan) -> Plan {
        let most = self.body["max_completion_tokens"].as_u64();
        let most = most.or_else(|| self.body["max_tokens"].as_u64());
        if let Some(most) = most.and_then(|most| usize::try_from(most).ok())
            && plan.beats.len() > most
        {
            plan.beats.truncate(most);
            plan.finish = Some("length");
        }
        self.stop(plan)
    }

    /// The plan up to the first stop sequence.
    fn stop(&self, mut plan: Plan) -> Plan {
        let stops = match &self.body["stop"] {
            Value::String(stop) => vec![stop.as_str()],
            Value::Array(stops) => stops.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let said = plan_text(&plan);
        if let Some(end) = stops.iter().filter_map(|stop| said.find(stop)).min() {
            plan.beats.retain(|beat| matches!(beat, Beat::Think(_)));
            plan.beats.extend(tokens(&said[..end]).into_iter().map(Beat::Text));
            plan.finish = Some("stop");
        }
        plan
    }

    fn last_user_text(&self) -> String {
        let mut users = self.messages().iter().rev().filter(|message| message["role"] == "user");
        users.next().map(text).unwrap_or_default()
    }

    fn messages(&self) -> &[Value] {
        self.body["messages"].as_array().map_or(&[], Vec::as_slice)
    }
}

/// The text a plan says.
pub(super) fn plan_text(plan: &Plan) -> String {
    let texts = plan.beats.iter().filter_map(|beat| match beat {
        Beat::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// The text of a message, be it a string or parts.
fn text(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<_> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}
