//! Repeats what an upstream said, fit to be shown.

use crate::credential::Credential;

/// Longest quotation, in characters.
const LONGEST: usize = 300;

/// Takes out secrets and control characters, and bounds the length.
pub(super) fn quote(text: &str, credential: Option<&Credential>) -> String {
    let text = credential.map_or_else(|| text.to_owned(), |credential| credential.redact(text));
    let visible = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut quoted: String = visible.take(LONGEST).collect();
    if text.trim().chars().count() > LONGEST {
        quoted.push('…');
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_no_control_no_flood() {
        let credential = Credential::parse("x", "hf-chat=canary").expect("valid");
        let text = format!("bad\r\ncookie canary {}", "x".repeat(500));
        let quoted = quote(&text, Some(&credential));
        assert!(quoted.starts_with("bad  cookie *** xxx"));
        assert_eq!(quoted.chars().count(), LONGEST + 1);
    }
}
