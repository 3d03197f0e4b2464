//! Shows earlier calls and their results as text.

use crate::chat::{Content, Message, Part, Role};

use super::compact::render;

const RESPONSE_END: &str = "</tool_response";

/// Rewrites a conversation so that it holds text only where it held calls and results.
///
/// An assistant's calls become blocks behind its text, in the form that the instructions ask for.
/// Results become blocks that name the tool and the number of the call within its turn; those that
/// follow one another, and a user's message behind them, become one message of the user. A result
/// cannot fake the end of its block. Everything else stays as it is.
///
/// # Example
/// ```
/// use llm2api_core::adapt::tools::render_history;
/// use llm2api_core::{ChatRequest, Role};
///
/// let request = ChatRequest::from_json(br#"{"model": "m", "messages": [
///     {"role": "user", "content": "What time is it?"},
///     {"role": "assistant", "tool_calls": [
///         {"id": "call_1", "type": "function", "function": {"name": "now", "arguments": "{}"}}]},
///     {"role": "tool", "tool_call_id": "call_1", "content": "12:30"}]}"#)?;
/// let messages = render_history(&request.messages);
/// assert_eq!(messages[2].role, Role::User);
/// assert_eq!(
///     messages[2].text(),
///     "<tool_response name=\"now\" call=\"1\">\n12:30\n</tool_response>"
/// );
/// # Ok::<(), llm2api_core::Error>(())
/// ```
pub fn render_history(messages: &[Message]) -> Vec<Message> {
    let mut history = History::default();
    for message in messages {
        history.add(message);
    }
    history.close();
    history.rendered
}

#[derive(Default)]
struct History {
    rendered: Vec<Message>,
    /// Results that wait for more of them, or for the user's message.
    results: Vec<Part>,
    /// The calls so far, with the number of each within its turn; the last ones are looked at first.
    calls: Vec<Named>,
}

/// A call that a result may answer.
struct Named {
    id: Option<String>,
    name: String,
    number: usize,
}

impl History {
    fn add(&mut self, message: &Message) {
        match message.role {
            Role::Tool | Role::Function => self.result(message),
            Role::User if !self.results.is_empty() => self.user(message),
            Role::Assistant => {
                self.close();
                let rendered = self.assistant(message);
                self.rendered.push(rendered);
            }
            _ => {
                self.close();
                self.rendered.push(message.clone());
            }
        }
    }

    /// Ends the message of the user that holds results.
    fn close(&mut self) {
        if !self.results.is_empty() {
            let parts = std::mem::take(&mut self.results);
            self.rendered.push(Message::user(content(parts)));
        }
    }

    fn user(&mut self, message: &Message) {
        let mut parts = std::mem::take(&mut self.results);
        parts.extend(parts_of(message));
        self.rendered.push(Message { content: Some(content(parts)), ..message.clone() });
    }

    fn assistant(&mut self, message: &Message) -> Message {
        let mut calls: Vec<(Option<String>, String, String)> = Vec::new();
        for call in message.tool_calls.iter().flatten() {
            let function = &call.function;
            calls.push((Some(call.id.clone()), function.name.clone(), function.arguments.clone()));
        }
        if let Some(old) = message.extra.get("function_call") {
            let text = |field: &str| old[field].as_str().unwrap_or_default().to_owned();
            if old.is_object() {
                calls.push((None, text("name"), text("arguments")));
            }
        }
        if calls.is_empty() {
            return message.clone();
        }
        let blocks: Vec<_> = calls.iter().map(|(_, name, text)| render(name, text)).collect();
        let named = |(at, (id, name, _))| Named { id, name, number: at + 1 };
        self.calls.extend(calls.into_iter().enumerate().map(named));
        with_blocks(message, blocks.join("\n"))
    }

    fn result(&mut self, message: &Message) {
        let text = escape(&message.text());
        let head = self.head(message);
        self.results.push(Part::text_part(format!("{head}\n{text}\n{RESPONSE_END}>")));
        self.results.extend(message.attachments().cloned());
    }

    fn head(&self, message: &Message) -> String {
        let id = message.tool_call_id.as_deref();
        let answered = self.calls.iter().rev().find(|call| match id {
            Some(id) => call.id.as_deref() == Some(id),
            None => Some(&call.name) == message.name.as_ref(),
        });
        let name = answered.map(|call| call.name.as_str()).or(message.name.as_deref());
        let name = name.map(|name| format!(" name=\"{}\"", attribute(name))).unwrap_or_default();
        let call = answered.map(|call| format!(" call=\"{}\"", call.number)).unwrap_or_default();
        format!("<tool_response{name}{call}>")
    }
}

/// The message with its calls as text behind what it says.
fn with_blocks(message: &Message, blocks: String) -> Message {
    let mut message = message.clone();
    message.tool_calls = None;
    message.extra.remove("function_call");
    let text = message.text();
    let text = text.trim_end();
    let text = if text.is_empty() { blocks } else { format!("{text}\n{blocks}") };
    let others: Vec<_> = message.attachments().cloned().collect();
    message.content = Some(content([Part::text_part(text)].into_iter().chain(others)));
    message
}

fn parts_of(message: &Message) -> Vec<Part> {
    match &message.content {
        None => Vec::new(),
        Some(Content::Text(text)) => vec![Part::text_part(text.clone())],
        Some(Content::Parts(parts)) => parts.clone(),
    }
}

/// Puts texts that follow one another together, with a blank line between; one text stays plain.
fn content(parts: impl IntoIterator<Item = Part>) -> Content {
    let mut joined: Vec<Part> = Vec::new();
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(Part::Text { text, .. }), Part::Text { text: more, .. }) => {
                text.push_str("\n\n");
                text.push_str(&more);
            }
            (_, part) => joined.push(part),
        }
    }
    match joined.as_slice() {
        [Part::Text { text, .. }] => Content::Text(text.clone()),
        _ => Content::Parts(joined),
    }
}

/// Keeps a result from faking the end of its block.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let length = RESPONSE_END.len();
        let fakes = tag.get(..length).is_some_and(|tag| tag.eq_ignore_ascii_case(RESPONSE_END));
        out.push_str(if fakes { "<\\/" } else { "</" });
        rest = &tag[2..];
    }
    out.push_str(rest);
    out
}

/// A name that cannot break out of its attribute.
fn attribute(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')).take(64).collect()
}
