//! How deep a JSON text nests, found without parsing it.

/// Says whether a JSON text has more levels than `limit`.
///
/// A value has a level for each array and object that it stands in, and one of its own; an empty
/// array or object counts as if it held a value. That is how the parser counts, which goes one step
/// into each. A text that is no JSON has some answer or other.
pub(super) fn exceeds(json: &[u8], limit: usize) -> bool {
    let (mut open, mut at) = (0_usize, 0);
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'"' => at += string_length(&json[at..]),
            b'[' | b'{' if open + 1 >= limit => return true,
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// The length of a string's rest, its closing quote included.
fn string_length(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = rest.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if rest[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn nested(arrays: usize) -> String {
        format!("{}1{}", "[".repeat(arrays), "]".repeat(arrays))
    }

    #[test]
    fn arrays_and_objects_count_and_what_stands_in_strings_does_not() {
        let cases = [
            ("1", 1),
            ("[]", 2),
            ("[1]", 2),
            (r#"{"a": {"b": [1]}}"#, 4),
            ("[[], [], [[]], []]", 4),
            (r#"["[[[[", "\"[[", "\\", "{"]"#, 2),
            (r#"["\\\\\"[", [1]]"#, 3),
            ("]]]][1]", 2),
            (r#"["[[[[\"#, 2),
            ("", 1),
        ];
        for (json, levels) in cases {
            assert!(!exceeds(json.as_bytes(), levels), "{json}");
            assert!(levels == 1 || exceeds(json.as_bytes(), levels - 1), "{json}");
        }
    }

    #[test]
    fn the_largest_limit_is_what_the_parser_takes() {
        let (most, more) = (nested(127), nested(128));
        assert!(!exceeds(most.as_bytes(), 128) && exceeds(more.as_bytes(), 128));
        assert!(serde_json::from_str::<Value>(&most).is_ok());
        assert!(serde_json::from_str::<Value>(&more).is_err());
    }

    #[test]
    fn depth_without_end_needs_no_stack() {
        let json = "[".repeat(10_000_000);
        assert!(exceeds(json.as_bytes(), 128));
        assert!(!exceeds(json.as_bytes(), 10_000_001));
    }
}
