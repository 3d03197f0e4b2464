//! Reads calls from what stands between the tags, in each form that models write.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::tag::{Look, Tag, look};
use crate::adapt::json;

/// How many calls one answer may make in one place.
const MOST_CALLS: usize = 128;
/// How deep a call may be wrapped in lists and objects.
const MOST_LEVELS: usize = 4;

/// A call that was found in an answer; nothing about it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCall {
    pub(super) name: String,
    pub(super) arguments: Arguments,
}

/// The arguments as the model wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arguments {
    /// A text that should be a JSON object.
    Json(String),
    /// Names and texts, from tags.
    Fields(Vec<(String, String)>),
}

impl FoundCall {
    /// Returns the name of the tool, as the model wrote it.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn json(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: Arguments::Json(arguments.into()) }
    }
}

/// Reads the calls of one block; `None` if there is none, or something else beside them.
pub(super) fn read(name: Option<&str>, body: &str, lenient: bool) -> Option<Vec<FoundCall>> {
    let body = without_fence(body.trim());
    match name {
        Some(name) if body.is_empty() => Some(vec![FoundCall::json(name, "{}")]),
        Some(name) if body.starts_with('<') => {
            let arguments = Arguments::Fields(fields(body, lenient));
            Some(vec![FoundCall { name: name.to_owned(), arguments }])
        }
        Some(name) if body.starts_with('{') => Some(of_tool(name, body)),
        None if body.starts_with(['{', '[']) => calls(body, false),
        _ => None,
    }
}

/// Reads a text that is JSON from one end to the other, without any tag; `explicit` says that a call
/// without arguments is none.
pub(super) fn read_bare(text: &str, explicit: bool) -> Option<Vec<FoundCall>> {
    calls(without_fence(text.trim()), explicit)
}

/// Takes a code fence away that stands around everything.
pub(super) fn without_fence(text: &str) -> &str {
    let Some(inner) = text.strip_prefix("```") else { return text };
    let body = inner.split_once('\n').map_or(inner, |(_, body)| body).trim();
    body.strip_suffix("```").unwrap_or(body).trim()
}

/// The calls of a tool that the tag named: what follows are the arguments.
fn of_tool(name: &str, body: &str) -> Vec<FoundCall> {
    let Some(values) = values(body) else { return vec![FoundCall::json(name, body)] };
    let call = |value: Cow<'_, str>| match shape(&value).filter(|shape| shape.is_call_of(name)) {
        Some(shape) => FoundCall::json(name, shape.arguments()),
        None => FoundCall::json(name, value),
    };
    values.into_iter().map(call).collect()
}

fn calls(body: &str, explicit: bool) -> Option<Vec<FoundCall>> {
    let mut found = Vec::new();
    values(body)?.iter().try_for_each(|value| collect(value, explicit, MOST_LEVELS, &mut found))?;
    (!found.is_empty() && found.len() <= MOST_CALLS).then_some(found)
}

/// The JSON values that stand one behind the other; the last one may be broken.
fn values(body: &str) -> Option<Vec<Cow<'_, str>>> {
    const BETWEEN: &[char] = &[' ', '\t', '\n', '\r', ',', ';', '}', ']', ')', '`'];
    let mut values = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let mut reader = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        match reader.next() {
            Some(Ok(value)) => {
                values.push(Cow::Borrowed(value.get()));
                rest = rest[reader.byte_offset()..].trim_start_matches(BETWEEN);
            }
            _ => {
                values.push(Cow::Owned(json::repair(rest)?));
                break;
            }
        }
    }
    Some(values)
}

fn collect(value: &str, explicit: bool, levels: usize, found: &mut Vec<FoundCall>) -> Option<()> {
    let levels = levels.checked_sub(1)?;
    if value.starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(value).ok()?;
        return list.iter().try_for_each(|one| collect(one.get(), explicit, levels, found));
    }
    let shape = shape(value)?;
    match (shape.tool_calls, shape.function.or(shape.function_call)) {
        (Some(list), _) => collect(list.get(), explicit, levels, found),
        (None, Some(inner)) if inner.get().starts_with('{') => {
            collect(inner.get(), explicit, levels, found)
        }
        _ => {
            let call = FoundCall::json(shape.name()?, shape.arguments());
            found.push(call);
            (!explicit || shape.has_arguments()).then_some(())
        }
    }
}

/// The fields of a call, in all spellings.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    parameters: Option<&'a RawValue>,
    #[serde(borrow, default)]
    function: Option<&'a RawValue>,
    #[serde(borrow, default)]
    function_call: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<&'a RawValue>,
}

fn shape(value: &str) -> Option<Shape<'_>> {
    serde_json::from_str(value).ok()
}

impl Shape<'_> {
    fn name(&self) -> Option<String> {
        let name = self.name.or(self.function)?;
        serde_json::from_str(name.get()).ok().filter(|name: &String| !name.is_empty())
    }

    fn is_call_of(&self, name: &str) -> bool {
        self.has_arguments() && self.name().as_deref() == Some(name)
    }

    fn has_arguments(&self) -> bool {
        self.arguments.or(self.parameters).is_some()
    }

    /// The arguments as a JSON text; one that is packed in a string is unpacked.
    fn arguments(&self) -> String {
        let Some(raw) = self.arguments.or(self.parameters).map(RawValue::get) else {
            return "{}".into();
        };
        let unpacked = match raw.starts_with('"') {
            true => serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned()),
            false => raw.to_owned(),
        };
        match unpacked.trim() {
            "" | "null" => "{}".into(),
            text => text.to_owned(),
        }
    }
}

/// Reads `<parameter=NAME>value</parameter>`, one behind the other.
fn fields(body: &str, lenient: bool) -> Vec<(String, String)> {
    const END: &str = "</parameter>";
    let mut fields = Vec::new();
    let mut rest = body;
    // Where one closing tag was not found, there is none for the next argument either.
    let mut closes = !lenient;
    while let Some(at) = rest.find("<parameter") {
        rest = &rest[at..];
        let Look::Is(Tag::Parameter(name), length) = look(rest) else {
            rest = &rest[1..];
            continue;
        };
        rest = &rest[length..];
        let tag = if closes { rest.find(END) } else { None };
        closes = tag.is_some();
        let end = tag.or_else(|| rest.find("<parameter")).unwrap_or(rest.len());
        fields.push((name, value(&rest[..end]).to_owned()));
        rest = rest[end..].strip_prefix(END).unwrap_or(&rest[end..]);
    }
    fields
}

/// Takes the line ends away that stand between the tags and the value, and a stray closing tag.
fn value(text: &str) -> &str {
    let text = text.trim_end().strip_suffix("</parameter>").unwrap_or(text);
    let text = text.strip_prefix('\n').unwrap_or(text);
    text.strip_suffix('\n').unwrap_or(text)
}
