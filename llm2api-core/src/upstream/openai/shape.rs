//! Knows a chunk again that differs from the one before in its text alone.

/// How many bytes of a chunk, its text apart, are worth to be kept.
const LIMIT: usize = 4096;

/// All of a chunk but its text.
///
/// The chunks of one answer mostly differ in nothing else. Where bytes begin and end as a chunk that
/// was looked at, and what is between them would stay inside one string of JSON, they are a document
/// of the same build: another look would find the same, but for what the text says.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// What stands before the text, with its opening quote, and what stands after it. Nothing at
    /// first.
    bytes: Vec<u8>,
    /// Where the one ends and the other begins.
    middle: usize,
}

impl Shape {
    /// Keeps what stands around `text`, which is a part of the JSON text `json`: all that is between
    /// the quotes of one string. What is longer than most chunks is not kept.
    pub(super) fn keep(&mut self, json: &str, text: &str) {
        let Some((before, after)) = around(json, text) else { return };
        if before.len() + after.len() <= LIMIT {
            self.bytes.clear();
            self.bytes.extend_from_slice(before.as_bytes());
            self.bytes.extend_from_slice(after.as_bytes());
            self.middle = before.len();
        }
    }

    /// Says whether this is the document that was kept, but for its text, which is not empty.
    pub(super) fn fits(&self, json: &[u8]) -> bool {
        let (before, after) = self.bytes.split_at(self.middle);
        let text = json.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        !self.bytes.is_empty() && text.is_some_and(stays_inside)
    }
}

/// What stands before and after a part of a text; none where `part` is no part of it in quotes.
fn around<'a>(whole: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let (before, rest) = whole.split_at_checked(start)?;
    let after = rest.strip_prefix(part)?;
    (before.ends_with('"') && after.starts_with('"')).then_some((before, after))
}

/// Says whether these bytes, which follow the opening quote of a string, are characters of it that
/// do not end it. Of escapes, only the simple ones are understood.
fn stays_inside(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let is_good = match byte {
            b'"' | 0..=0x1f => false,
            b'\\' => bytes.next().is_some_and(|escaped| br#""\/bfnrt"#.contains(escaped)),
            _ => true,
        };
        if !is_good {
            return false;
        }
    }
    !text.is_empty() && std::str::from_utf8(text).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const JSON: &str = r#"{"content":"\"content\":\"Hi\"","delta":{"content":"Hi"},"end":"Hi"}"#;

    /// The shape of [`JSON`] with its text in `delta`.
    fn shape() -> Shape {
        let at = JSON.find(r#"Hi"},"#).expect("it is there");
        let mut shape = Shape::default();
        shape.keep(JSON, &JSON[at..at + 2]);
        shape
    }

    fn with(text: &[u8]) -> Vec<u8> {
        let at = JSON.find(r#"Hi"},"#).expect("it is there");
        [&JSON.as_bytes()[..at], text, &JSON.as_bytes()[at + 2..]].concat()
    }

    #[test]
    fn nothing_fits_before_something_was_kept() {
        for json in ["", "a", "\"", JSON] {
            assert!(!Shape::default().fits(json.as_bytes()));
        }
    }

    #[test]
    fn another_text_fits_where_it_stays_inside_the_string() {
        let shape = shape();
        for text in ["Hi", "Hello", " ", "日本 🙂", r"a\nb", r#"\"\\\/\b\f\n\r\t"#, "\u{7f}", r"\\"]
        {
            assert!(shape.fits(&with(text.as_bytes())), "{text}");
        }
    }

    #[test]
    fn what_could_leave_the_string_or_is_no_text_does_not_fit() {
        let shape = shape();
        let odd: [&[u8]; 12] = [
            b"",
            b"\"",
            b"a\",\"b\":\"c",
            b"\\",
            b"a\\",
            b"\\\\\\",
            b"\\u0041",
            b"\\x",
            b"\n",
            b"\0",
            b"\xff",
            b"\xe6\x97",
        ];
        for text in odd {
            assert!(!shape.fits(&with(text)), "{text:?}");
        }
    }

    #[test]
    fn another_frame_does_not_fit() {
        let (shape, json) = (shape(), JSON.as_bytes());
        assert!(!shape.fits(&json[..json.len() - 1]));
        assert!(!shape.fits(&json[1..]));
        assert!(!shape.fits(&[json, b" "].concat()));
        assert!(!shape.fits(JSON.replace("end", "und").as_bytes()));
    }

    #[test]
    fn beginning_and_end_do_not_overlap() {
        let mut shape = Shape::default();
        let json = r#"["a"]"#;
        shape.keep(json, &json[2..3]);
        assert!(shape.fits(br#"["b"]"#));
        assert!(!shape.fits(br#"["]"#));
        assert!(!shape.fits(br#"[""]"#));
    }

    #[test]
    fn only_a_part_in_quotes_is_kept_and_no_long_frame() {
        let mut shape = Shape::default();
        let (other, json) = (String::from("a"), r#"["a"]"#);
        for text in [other.as_str(), &json[1..4], &json[..1], ""] {
            shape.keep(json, text);
            assert!(!shape.fits(json.as_bytes()), "{text}");
        }
        let long = format!(r#"["{}","a"]"#, "b".repeat(LIMIT));
        shape.keep(&long, &long[LIMIT + 5..LIMIT + 6]);
        assert!(!shape.fits(long.as_bytes()));
        shape.keep(&long, &long[2..LIMIT + 2]);
        assert!(shape.fits(long.as_bytes()), "the text itself may be long");
    }

    proptest! {
        /// What fits is read as the same document with another text.
        #[test]
        fn what_fits_is_json(text in r#"[a-c\\"/nu0é\n]{0,6}"#) {
            let json = with(text.as_bytes());
            if shape().fits(&json) {
                let mut read: Value = serde_json::from_slice(&json).expect("what fits is JSON");
                prop_assert!(read["delta"]["content"].as_str().is_some_and(|text| !text.is_empty()));
                read["delta"]["content"] = "Hi".into();
                prop_assert_eq!(read, serde_json::from_str::<Value>(JSON).expect("it is JSON"));
            }
        }
    }
}
