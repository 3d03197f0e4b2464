//! What a request really asks for, and what becomes of that at one upstream.

use serde_json::Value;

use super::{Profile, Treatment, note};
use crate::chat::{ChatRequest, Message, Part, Stop};
use crate::error::{Error, ErrorKind, Result};

/// Stands for ignored fields that are not named: too many, or no plain word.
pub const MORE: &str = "*";

/// Unknown fields that are named at most: there may be as many as a body has room for.
const MOST_UNKNOWN: usize = 32;
const LONGEST_NAME: usize = 64;

/// Names the fields that a request sets to something.
///
/// What asks for nothing does not count: null, an empty list, or the value that the API goes by where
/// nobody says anything, such as `n: 1`. What stands in a field is named behind a dot.
///
/// # Example
/// ```
/// use llm2api_core::ChatRequest;
/// use llm2api_core::adapt::given;
///
/// let text = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"n":1,"seed":7,"top_k":5}"#;
/// let request = ChatRequest::from_json(text.as_bytes())?;
/// assert_eq!(given(&request).collect::<Vec<_>>(), ["model", "messages", "seed", "top_k"]);
/// # Ok::<(), llm2api_core::Error>(())
/// ```
pub fn given(request: &ChatRequest) -> impl Iterator<Item = &str> {
    let extra = request.extra.iter().filter(|(name, value)| asks(name, value));
    always(request)
        .into_iter()
        .chain(sampling(request))
        .chain(form(request))
        .chain(parts(request))
        .filter_map(|(name, is_set)| is_set.then_some(name))
        .chain(extra.map(|(name, _)| name.as_str()))
}

/// Checks a request against what an upstream takes, and names what is ignored, sorted.
///
/// Unknown fields have names of the client's choice, so only plain words of at most 64 letters are
/// named, and 32 of them; [`MORE`] stands for the rest.
///
/// # Errors
/// [`ErrorKind::Unsupported`] with code `unsupported_parameter` for what is rejected and, where
/// `strict`, for what is ignored; [`Error::param`] is the field.
///
/// # Example
/// ```
/// use llm2api_core::adapt::{Profile, sort_out};
/// use llm2api_core::{ChatRequest, Message};
///
/// let mut request = ChatRequest::new("m").with_message(Message::user("hi"));
/// request.temperature = Some(0.2);
/// assert_eq!(sort_out(&request, Profile::Text, false)?, ["temperature"]);
/// assert!(sort_out(&request, Profile::Text, true).is_err());
/// # Ok::<(), llm2api_core::Error>(())
/// ```
pub fn sort_out(request: &ChatRequest, profile: Profile, strict: bool) -> Result<Vec<String>> {
    let mut names = Names::default();
    for field in given(request) {
        match profile.treatment(field) {
            Treatment::Rejected => return Err(rejected(field)),
            Treatment::Ignored if strict => return Err(not_ignored(field)),
            Treatment::Ignored => names.add(field, request.extra.contains_key(field)),
            Treatment::Honoured | Treatment::Emulated => {}
        }
    }
    Ok(names.sorted())
}

type Set = (&'static str, bool);

fn always(request: &ChatRequest) -> [Set; 5] {
    let options = request.stream_options.as_ref();
    let obfuscation = options.and_then(|options| options.extra.get("include_obfuscation"));
    [
        ("model", true),
        ("messages", true),
        ("stream", request.streams()),
        ("stream_options.include_usage", request.wants_usage()),
        ("stream_options.include_obfuscation", obfuscation == Some(&Value::Bool(true))),
    ]
}

/// A temperature always counts: what it would be without is the operator's choice, not the API's.
fn sampling(request: &ChatRequest) -> [Set; 8] {
    let penalises = |penalty: Option<f64>| penalty.is_some_and(|penalty| penalty.abs() > 0.0);
    [
        ("temperature", request.temperature.is_some()),
        ("top_p", request.top_p.is_some_and(|share| share < 1.0)),
        ("presence_penalty", penalises(request.presence_penalty)),
        ("frequency_penalty", penalises(request.frequency_penalty)),
        ("logit_bias", request.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty())),
        ("seed", request.seed.is_some()),
        ("reasoning_effort", request.reasoning_effort.is_some()),
        ("user", request.user.is_some()),
    ]
}

fn form(request: &ChatRequest) -> [Set; 10] {
    let tools = request.tools.as_ref().is_some_and(|tools| !tools.is_empty());
    let choice = request.tool_choice.as_ref().is_some_and(|choice| **choice != "auto");
    let format = request.response_format.as_ref().is_some_and(|format| format["type"] != "text");
    let stops = match &request.stop {
        None => false,
        Some(Stop::One(_)) => true,
        Some(Stop::Many(sequences)) => !sequences.is_empty(),
    };
    [
        ("n", request.n.is_some_and(|n| n > 1)),
        ("stop", stops),
        ("max_tokens", request.max_tokens.is_some()),
        ("max_completion_tokens", request.max_completion_tokens.is_some()),
        ("logprobs", request.logprobs == Some(true)),
        ("top_logprobs", request.top_logprobs.is_some_and(|count| count > 0)),
        ("tools", tools),
        ("tool_choice", tools && choice),
        ("parallel_tool_calls", tools && request.parallel_tool_calls == Some(false)),
        ("response_format", format),
    ]
}

/// What is no text in the messages.
fn parts(request: &ChatRequest) -> [Set; 3] {
    let [mut image, mut file, mut audio] = [false; 3];
    for part in request.messages.iter().flat_map(Message::attachments) {
        match part {
            Part::ImageUrl { .. } => image = true,
            Part::File { .. } => file = true,
            Part::InputAudio { .. } => audio = true,
            Part::Text { .. } | Part::Refusal { .. } => {}
        }
    }
    [("messages.image_url", image), ("messages.file", file), ("messages.input_audio", audio)]
}

/// Says whether a field that the request type does not know asks for something.
fn asks(name: &str, value: &Value) -> bool {
    match (name, value) {
        (_, Value::Null) => false,
        (_, Value::Array(items)) if items.is_empty() => false,
        ("modalities", Value::Array(items)) => items.iter().any(|item| item != "text"),
        ("metadata", Value::Object(fields)) => !fields.is_empty(),
        ("store", value) => value != false,
        ("service_tier", value) => value != "auto" && value != "default",
        ("verbosity", value) => value != "medium",
        // `auto` is the default, and `none` asks for an answer without a call.
        ("function_call", value) => value != "auto" && value != "none",
        _ => true,
    }
}

/// The names of what is ignored, as many and as long as a header may show.
#[derive(Default)]
struct Names {
    listed: Vec<String>,
    unknown: usize,
    more: bool,
}

impl Names {
    fn add(&mut self, name: &str, of_client: bool) {
        self.unknown += usize::from(of_client);
        if of_client && (self.unknown > MOST_UNKNOWN || !is_plain(name)) {
            self.more = true;
        } else {
            self.listed.push(name.to_owned());
        }
    }

    fn sorted(mut self) -> Vec<String> {
        self.listed.sort_unstable();
        self.listed.extend(self.more.then(|| MORE.to_owned()));
        self.listed
    }
}

fn is_plain(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(fits)
}

fn rejected(field: &str) -> Error {
    refusal(field, format!("this upstream cannot take {}: {}", shown(field), note(field)))
}

fn not_ignored(field: &str) -> Error {
    let message = format!(
        "this upstream ignores {}, since {}: leave it out, or set STRICT_PARAMETERS to false",
        shown(field),
        note(field)
    );
    refusal(field, message)
}

/// Names the field of the request itself as the one at fault.
fn refusal(field: &str, message: String) -> Error {
    let error = Error::new(ErrorKind::Unsupported, "chat", message);
    let error = error.with_code("unsupported_parameter");
    match field.split_once('.') {
        Some((outer @ ("messages" | "stream_options"), _)) => error.with_param(outer),
        _ if is_plain(field) => error.with_param(field),
        _ => error,
    }
}

fn shown(field: &str) -> String {
    if is_plain(field) { format!("`{field}`") } else { "a field of the request".to_owned() }
}

#[cfg(test)]
mod tests;
