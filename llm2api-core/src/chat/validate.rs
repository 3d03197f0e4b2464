//! From bytes to a request, with messages that say what to do.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use super::{ChatRequest, Message, Role};
use crate::error::{Error, ErrorKind, Result};

const OPERATION: &str = "read request";

/// Values that a body may hold: 10,000 messages of several parts have room.
const MOST_VALUES: usize = 200_000;

impl ChatRequest {
    /// Parses and checks the JSON text of a request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`], with the field at fault as [`Error::param`].
    ///
    /// # Example
    /// ```
    /// use llm2api_core::ChatRequest;
    ///
    /// let error = ChatRequest::from_json(br#"{"model":"demo","messages":[]}"#).unwrap_err();
    /// assert_eq!(error.param(), Some("messages"));
    /// ```
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let request: Self = read_json(json, "a JSON object with `model` and `messages`")?;
        request.validate()?;
        Ok(request)
    }

    /// Checks what the types cannot say: that there are messages, and that each is whole.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`], with the field at fault as [`Error::param`].
    pub fn validate(&self) -> Result<()> {
        if self.model.is_empty() {
            return Err(invalid("model", "`model` is empty: name one that GET /v1/models lists"));
        }
        if self.messages.is_empty() {
            return Err(invalid("messages", "`messages` is empty: send at least one message"));
        }
        if self.n == Some(0) {
            return Err(invalid("n", "`n` is 0: ask for at least one answer"));
        }
        self.messages.iter().enumerate().try_for_each(|(at, message)| check_message(at, message))
    }
}

/// Parses the JSON text of a client, whatever dialect it speaks; `shape` says what it must be.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`], with the field at fault as [`Error::param`]. What was sent is not
/// quoted.
///
/// # Example
/// ```
/// use std::collections::BTreeMap;
///
/// use llm2api_core::chat::read_json;
///
/// type Counts = BTreeMap<String, u32>;
/// let error = read_json::<Counts>(br#"{"a": 1, "b": "two"}"#, "an object").unwrap_err();
/// assert_eq!(error.param(), Some("b"));
/// ```
pub fn read_json<T: DeserializeOwned>(json: &[u8], shape: &str) -> Result<T> {
    let json = std::str::from_utf8(json).map_err(|error| not_json(&error))?;
    check_size(json)?;
    serde_json::from_str(json).map_err(|error| explain::<T>(json, shape, &error))
}

/// Refuses a text of so many values that holding them would take many times its size.
fn check_size(json: &str) -> Result<()> {
    // Two bytes a value are the least.
    if json.len() / 2 <= MOST_VALUES || count_values(json.as_bytes()) <= MOST_VALUES {
        return Ok(());
    }
    let message = format!("the body has more than {MOST_VALUES} values: send less at once");
    Err(Error::new(ErrorKind::InvalidRequest, OPERATION, message).with_code("too_many_values"))
}

/// Counts what begins a value or follows one, outside of strings.
fn count_values(json: &[u8]) -> usize {
    let (mut count, mut at) = (0, 0);
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'"' => at += string_length(&json[at..]),
            b',' | b'[' | b'{' => count += 1,
            _ => {}
        }
    }
    count
}

/// The length of a string's rest, its closing quote included.
fn string_length(json: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

fn check_message(at: usize, message: &Message) -> Result<()> {
    let calls = message.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty());
    let may_be_silent = message.role == Role::Assistant
        && (calls
            || message.extra.contains_key("function_call")
            || message.extra.contains_key("refusal"));
    if message.content.is_none() && !may_be_silent {
        let role = message.role.as_str();
        let text = format!("a message of role `{role}` needs `content`: add a string or parts");
        return Err(invalid(&format!("messages[{at}].content"), &text));
    }
    if message.role == Role::Tool && message.tool_call_id.is_none() {
        let text = "a message of role `tool` needs `tool_call_id`: name the call it answers";
        return Err(invalid(&format!("messages[{at}].tool_call_id"), text));
    }
    Ok(())
}

fn invalid(param: &str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, OPERATION, message).with_param(param)
}

/// Parses a second time, on the error path only, to learn which field is at fault.
fn explain<T: DeserializeOwned>(json: &str, shape: &str, error: &serde_json::Error) -> Error {
    // A number where a word of a list is expected counts as broken syntax there, so ask once more.
    let syntax = error.classify() != Category::Data;
    if syntax && let Err(error) = serde_json::from_str::<IgnoredAny>(json) {
        return not_json(&error);
    }
    let mut json = serde_json::Deserializer::from_str(json);
    let (path, reason) = match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Ok(_) => (String::new(), error.to_string()),
        Err(error) => (error.path().to_string(), error.into_inner().to_string()),
    };
    let reason = reason.split(" at line ").next().unwrap_or_default();
    let path = path.trim_matches('.');
    if let Some((name, advice)) = missing_or_double(reason) {
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        return invalid(&path, &format!("`{path}` {advice}"));
    }
    if path.is_empty() {
        let message = format!("the body must be {shape}");
        return Error::new(ErrorKind::InvalidRequest, OPERATION, message);
    }
    invalid(path, &format!("`{path}`: {:.300}", in_json_words(reason)))
}

fn not_json(error: &impl std::fmt::Display) -> Error {
    let message = format!("the body is not valid JSON: {error}");
    Error::new(ErrorKind::InvalidRequest, OPERATION, message).with_code("invalid_json")
}

/// Reads serde's words for a field that is not there, or there twice.
fn missing_or_double(reason: &str) -> Option<(&str, &'static str)> {
    let forms = [
        ("missing field `", "is missing: add it"),
        ("duplicate field `", "stands there twice: send it once"),
    ];
    forms
        .into_iter()
        .find_map(|(start, advice)| Some((reason.strip_prefix(start)?.strip_suffix('`')?, advice)))
}

/// Replaces the names of Rust's types by those of JSON's, and leaves out what was sent: it may be
/// part of a conversation, and errors are logged.
fn in_json_words(reason: &str) -> String {
    let quoted = reason.find("string \"").zip(reason.rfind("\", expected"));
    let reason = match quoted {
        Some((start, end)) => format!("{}string{}", &reason[..start], &reason[end + 1..]),
        None => reason.to_owned(),
    };
    let words = [
        ("expected value", "this is none of the values that the field takes"),
        ("variant identifier", "the name of a content part's type"),
        ("struct ImageUrl", "an object with the image's `url`"),
        ("struct InputAudio", "an object with `data` and `format`"),
        ("struct FilePart", "an object that describes a file"),
        ("struct StreamOptions", "an object of stream options"),
        ("a sequence", "a list"),
        ("type: sequence", "type: list"),
        ("type: map", "type: object"),
        ("f64", "a number"),
        ("u32", "a whole number"),
        ("u64", "a whole number"),
        ("i64", "a whole number"),
    ];
    words.into_iter().fold(reason, |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn every_mistake_is_named() {
        let bodies = [
            "",
            "{",
            "[]",
            "\"x\"",
            "{}",
            r#"{"model":"m"}"#,
            r#"{"messages":[{"role":"user","content":"x"}]}"#,
            r#"{"model":"m","messages":[]}"#,
            r#"{"model":"","messages":[{"role":"user","content":"x"}]}"#,
            r#"{"model":1,"messages":[]}"#,
            r#"{"model":"m","messages":"x"}"#,
            r#"{"model":"m","messages":[1]}"#,
            r#"{"model":"m","messages":[{"content":"x"}]}"#,
            r#"{"model":"m","messages":[{"role":"user"}]}"#,
            r#"{"model":"m","messages":[{"role":"robot","content":"x"}]}"#,
            r#"{"model":"m","messages":[{"role":7,"content":"x"}]}"#,
            r#"{"model":"m","messages":[{"role":"user","content":5}]}"#,
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"hologram"}]}]}"#,
            r#"{"model":"m","messages":[{"role":"tool","content":"x"}]}"#,
            r#"{"model":"m","model":"n","messages":[{"role":"user","content":"x"}]}"#,
            r#"{"model":"m","odd":1,"odd":2,"messages":[{"role":"user","content":"x"}]}"#,
            r#"{"model":"m","messages":[{"role":"user","content":"x","odd":1,"odd":2}]}"#,
            r#"{"model":"m","messages":[{"role":"user","content":[[]]}]}"#,
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[[]]}"#,
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":"hot"}"#,
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":NaN}"#,
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":"yes"}"#,
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stop":3}"#,
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"n":0}"#,
        ];
        let mut table = String::new();
        for body in bodies {
            let error = ChatRequest::from_json(body.as_bytes()).expect_err(body);
            let param = error.param().unwrap_or("-");
            writeln!(table, "{body}\n    {} | {param} | {}", error.code(), error.message())
                .expect("a String takes everything");
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn a_body_of_very_many_values_is_refused_before_it_is_read() {
        let body = |values: &str| {
            let start = r#"{"model":"m","messages":[{"role":"user","content":"x"}],"odd":["#;
            format!("{start}{values}]}}")
        };
        let many = body(&vec!["{\"a\":0}"; MOST_VALUES].join(","));
        let error = ChatRequest::from_json(many.as_bytes()).expect_err("too many");
        assert_eq!(error.code(), "too_many_values");
        let commas = body(&format!("\"{}\\\",\"", ",[{".repeat(MOST_VALUES)));
        assert!(ChatRequest::from_json(commas.as_bytes()).is_ok(), "commas in a string are text");
    }

    #[test]
    fn text_that_is_no_utf8_is_refused_wherever_it_stands() {
        let body = b"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"odd\":\"\xff\"}";
        assert_eq!(ChatRequest::from_json(body).expect_err("not text").code(), "invalid_json");
    }

    #[test]
    fn unknown_fields_survive_the_trip() {
        let body = r#"{"model":"m","guided":{"a":[1]},"messages":[
            {"role":"user","mood":1,"content":[
                {"type":"text","text":"x","cache_control":{"type":"ephemeral"}},
                {"type":"image_url","image_url":{"url":"u","odd":1},"odd":2},
                {"type":"input_audio","input_audio":{"data":"d","format":"wav","odd":1},"odd":2},
                {"type":"file","file":{"file_id":"f","odd":1},"odd":2}]},
            {"role":"assistant","tool_calls":[{"id":"c","type":"function","odd":1,
                "function":{"name":"f","arguments":"{}","odd":2}}]}],
            "tools":[{"type":"function","odd":1,"function":{"name":"f","strict":true}}],
            "stream_options":{"include_usage":true,"odd":1}}"#;
        let request = ChatRequest::from_json(body.as_bytes()).expect("valid");
        let again = serde_json::to_value(&request).expect("serialises");
        let sent: serde_json::Value = serde_json::from_str(body).expect("valid");
        assert_eq!(again, sent);
    }
}
