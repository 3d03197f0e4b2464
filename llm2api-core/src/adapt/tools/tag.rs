//! The tags that models put around a call.

/// The longest name of a tool or of an argument.
const LONGEST_NAME: usize = 64;
/// How far from its name a tag may end, in bytes.
const LONGEST_REST: usize = 64;
/// The shortest beginning of a tag that nobody writes for another reason, in bytes.
const UNMISTAKABLE: usize = 6;

/// A tag that begins or ends a call, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// Begins a call.
    Open(Form, Option<String>),
    /// Ends a call of this form.
    Close(Form),
    /// Stands around calls.
    Wrapper,
    /// Begins an argument.
    Parameter(String),
    /// Ends an argument.
    ParameterEnd,
    /// Begins, or ends, the result of a call, which a model should not write.
    Response,
    /// Ends a message or a turn.
    End,
}

/// How a call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `<tool_call>…</tool_call>`
    ToolCall,
    /// `<function=NAME>…</function>`
    Function,
    /// `<invoke name="NAME">…</invoke>`
    Invoke,
    /// A mark with the call behind it, as in `[TOOL_CALLS]…`.
    Mark,
}

/// What stands at a place of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// A tag of so many bytes.
    Is(Tag, usize),
    /// What could become a tag.
    Maybe {
        /// It can be nothing else than the beginning of a call.
        unmistakable: bool,
    },
    /// Something else.
    No,
}

impl Tag {
    /// Says whether the tag means something wherever it stands; the others are text outside a call.
    pub(super) fn stands_alone(&self) -> bool {
        match self {
            Self::Open(..) | Self::Wrapper | Self::Response | Self::End => true,
            Self::Close(form) => matches!(form, Form::ToolCall | Form::Mark),
            Self::Parameter(_) | Self::ParameterEnd => false,
        }
    }

    /// Says whether the tag closes something; right behind a call it then belongs to the call.
    pub(super) fn closes(&self) -> bool {
        matches!(self, Self::Close(_) | Self::ParameterEnd)
    }

    /// Says whether the tag ends a call of `form`, or shows that its own end is missing.
    pub(super) fn ends(&self, form: Form) -> bool {
        match self {
            Self::Close(closed) => {
                *closed == form || (*closed == Form::ToolCall && form != Form::Mark)
            }
            Self::Open(opened, _) => *opened == form,
            Self::Wrapper => form != Form::Mark,
            Self::Response | Self::End => true,
            Self::Parameter(_) | Self::ParameterEnd => false,
        }
    }
}

/// Tags that are always written the same way.
const FIXED: [(&str, Tag); 16] = [
    ("<tool_call>", Tag::Open(Form::ToolCall, None)),
    ("</tool_call>", Tag::Close(Form::ToolCall)),
    ("<tool_calls>", Tag::Wrapper),
    ("</tool_calls>", Tag::Wrapper),
    ("<function_calls>", Tag::Wrapper),
    ("</function_calls>", Tag::Wrapper),
    ("</function>", Tag::Close(Form::Function)),
    ("</invoke>", Tag::Close(Form::Invoke)),
    ("</parameter>", Tag::ParameterEnd),
    ("</tool_response>", Tag::Response),
    ("[TOOL_CALLS]", Tag::Open(Form::Mark, None)),
    ("<|python_tag|>", Tag::Open(Form::Mark, None)),
    ("<|tool_call|>", Tag::Open(Form::Mark, None)),
    ("<|/tool_call|>", Tag::Close(Form::Mark)),
    ("<|eom_id|>", Tag::End),
    ("<|eot_id|>", Tag::End),
];

/// Makes a tag of the name in it.
type Make = fn(String) -> Tag;

/// Tags that hold a name.
const NAMED: [(&str, Make); 6] = [
    ("<tool_call name=", |name| Tag::Open(Form::ToolCall, Some(name))),
    ("<function=", |name| Tag::Open(Form::Function, Some(name))),
    ("<function name=", |name| Tag::Open(Form::Function, Some(name))),
    ("<invoke name=", |name| Tag::Open(Form::Invoke, Some(name))),
    ("<parameter=", Tag::Parameter),
    ("<parameter name=", Tag::Parameter),
];

/// The tag that models were shown around results; its attributes do not matter here.
const RESPONSE: &str = "<tool_response";

/// Looks for a tag at the beginning of `text`, of which more may come.
pub(super) fn look(text: &str) -> Look {
    // Nearly everything is decided by two bytes.
    match text.as_bytes() {
        [b'<', b'/' | b'f' | b'i' | b'p' | b't' | b'|', ..] | [b'[', b'T', ..] | [b'<' | b'['] => {}
        _ => return Look::No,
    }
    let fixed = FIXED.iter().map(|(written, tag)| fixed(text, written, tag));
    let named = NAMED.iter().map(|(start, make)| named(text, start, *make));
    let mut all = fixed.chain(named).chain([response(text)]);
    all.by_ref().fold(Look::No, better)
}

fn better(one: Look, other: Look) -> Look {
    match (&one, &other) {
        (Look::Is(..), _)
        | (_, Look::No)
        | (Look::Maybe { unmistakable: true }, Look::Maybe { .. }) => one,
        _ => other,
    }
}

fn fixed(text: &str, written: &str, tag: &Tag) -> Look {
    if text.starts_with(written) {
        Look::Is(tag.clone(), written.len())
    } else if written.starts_with(text) {
        maybe(text, matches!(tag, Tag::Open(..)))
    } else {
        Look::No
    }
}

fn named(text: &str, start: &str, make: Make) -> Look {
    let opens = !start.starts_with("<parameter");
    let Some(rest) = text.strip_prefix(start) else {
        return if start.starts_with(text) { maybe(text, opens) } else { Look::No };
    };
    let quoted = rest.trim_start_matches(['"', '\'']);
    let marks = rest.len() - quoted.len();
    let length = quoted.bytes().take_while(|byte| is_name(*byte)).count();
    if marks > 1 || length > LONGEST_NAME {
        return Look::No;
    }
    let (name, rest) = quoted.split_at(length);
    let rest_at = start.len() + marks + length;
    match end_of(rest) {
        Some(_) if name.is_empty() => Look::No,
        Some(end) => Look::Is(make(name.to_owned()), rest_at + end),
        None if (rest.is_empty() || !name.is_empty()) && may_end(rest) => maybe(text, opens),
        None => Look::No,
    }
}

fn response(text: &str) -> Look {
    let Some(rest) = text.strip_prefix(RESPONSE) else {
        return if RESPONSE.starts_with(text) { maybe(text, false) } else { Look::No };
    };
    if !rest.is_empty() && !rest.starts_with([' ', '>']) {
        return Look::No;
    }
    match end_of(rest) {
        Some(end) => Look::Is(Tag::Response, RESPONSE.len() + end),
        None if may_end(rest) => maybe(text, false),
        None => Look::No,
    }
}

fn maybe(text: &str, opens: bool) -> Look {
    Look::Maybe { unmistakable: opens && text.len() >= UNMISTAKABLE }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Where the tag ends, of which `rest` is the part behind the name.
fn end_of(rest: &str) -> Option<usize> {
    let end = rest.bytes().take(LONGEST_REST).position(|byte| matches!(byte, b'<' | b'>' | b'\n'));
    end.filter(|end| rest.as_bytes()[*end] == b'>').map(|end| end + 1)
}

/// Says whether `rest`, in which the tag does not end, leaves room for an end.
fn may_end(rest: &str) -> bool {
    rest.len() < LONGEST_REST && !rest.contains(['<', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_is_known_whole_and_suspected_from_its_first_byte_on() {
        let named =
            ["<tool_call name=\"a\">", "<function=a>", "<invoke name='a' >", "<parameter=a>"];
        let all = FIXED.iter().map(|(tag, _)| *tag).chain(named).chain(["<tool_response id=1>"]);
        for tag in all {
            assert!(matches!(look(tag), Look::Is(_, length) if length == tag.len()), "{tag}");
            for end in 1..tag.len() {
                assert!(matches!(look(&tag[..end]), Look::Maybe { .. }), "{tag} to {end}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_tag_is_text() {
        let long = format!("<function={}", "x".repeat(80));
        let texts =
            ["<tools>", "<tool_callback>", "<function=>", "<function=a\n>", "[TOOLS]", "a", ""];
        for text in texts.into_iter().chain([long.as_str()]) {
            assert_eq!(look(text), Look::No, "{text}");
        }
    }
}
