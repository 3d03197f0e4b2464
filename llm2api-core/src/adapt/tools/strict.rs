//! Finds where a JSON value ends, as long as it is written by the rules.

const MOST_DEPTH: usize = 128;

/// Follows an object or a list byte by byte, without keeping any of it.
///
/// Bare words pass as values (`None`, `NaN`), since only the end of the value matters here.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    open: Vec<Open>,
    next: Next,
    inside: Inside,
}

/// Where a value stands after one more byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Within the value.
    Goes,
    /// At its last byte.
    Ends,
    /// At a byte that cannot stand there.
    Breaks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Object,
    List,
}

/// What may follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Value,
    Key,
    Colon,
    Comma,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Inside {
    #[default]
    Nothing,
    Word,
    Text,
    Escape,
}

impl Tracker {
    /// Says whether the place is within a string.
    pub(super) fn in_text(&self) -> bool {
        matches!(self.inside, Inside::Text | Inside::Escape)
    }

    /// Says whether the last token is whole and no value is owed: only brackets are missing.
    pub(super) fn may_stop(&self) -> bool {
        self.inside == Inside::Nothing && self.next == Next::Comma
    }

    /// Takes the next byte.
    pub(super) fn push(&mut self, byte: u8) -> Progress {
        match self.inside {
            Inside::Escape => self.inside = Inside::Text,
            Inside::Text => return self.text(byte),
            Inside::Word if is_word(byte) => {}
            _ => {
                self.inside = Inside::Nothing;
                return self.between(byte);
            }
        }
        Progress::Goes
    }

    fn text(&mut self, byte: u8) -> Progress {
        match byte {
            b'"' => self.inside = Inside::Nothing,
            b'\\' => self.inside = Inside::Escape,
            0..0x20 => return Progress::Breaks,
            _ => {}
        }
        Progress::Goes
    }

    fn between(&mut self, byte: u8) -> Progress {
        match (byte, self.next) {
            (b' ' | b'\t' | b'\n' | b'\r', _) => {}
            (b'{', Next::Value) => return self.begin(Open::Object, Next::Key),
            (b'[', Next::Value) => return self.begin(Open::List, Next::Value),
            (b'}', Next::Key | Next::Comma) => return self.end(Open::Object),
            (b']', Next::Value | Next::Comma) => return self.end(Open::List),
            (b'"', Next::Key) => (self.inside, self.next) = (Inside::Text, Next::Colon),
            (b'"', Next::Value) => (self.inside, self.next) = (Inside::Text, Next::Comma),
            (b':', Next::Colon) => self.next = Next::Value,
            (b',', Next::Comma) => self.next = self.after_comma(),
            (_, Next::Value) if is_word(byte) => {
                (self.inside, self.next) = (Inside::Word, Next::Comma);
            }
            _ => return Progress::Breaks,
        }
        Progress::Goes
    }

    fn begin(&mut self, open: Open, next: Next) -> Progress {
        self.open.push(open);
        self.next = next;
        if self.open.len() > MOST_DEPTH { Progress::Breaks } else { Progress::Goes }
    }

    fn end(&mut self, open: Open) -> Progress {
        if self.open.pop() != Some(open) {
            return Progress::Breaks;
        }
        self.next = Next::Comma;
        if self.open.is_empty() { Progress::Ends } else { Progress::Goes }
    }

    fn after_comma(&self) -> Next {
        if self.open.last() == Some(&Open::Object) { Next::Key } else { Next::Value }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Option<usize> {
        let mut tracker = Tracker::default();
        text.bytes().position(|byte| tracker.push(byte) != Progress::Goes)
    }

    #[test]
    fn the_end_of_a_value_is_its_last_bracket() {
        for text in [r#"{"a":[1,{"b":"}\"]"}],"c":None,}"#, "[]", r"{ }", "[[1.5e-3],true,]"] {
            let more = format!("{text} x");
            assert_eq!(end(&more), Some(text.len() - 1), "{text}");
        }
    }

    #[test]
    fn what_breaks_the_rules_is_seen_where_it_does() {
        for (text, at) in
            [("{'a'", 1), ("{\"a\nb", 3), ("{\"a\" b", 5), ("[}", 1), ("{\"a\":1 2", 7)]
        {
            assert_eq!(end(text), Some(at), "{text}");
        }
    }
}
