//! Words of an authority, as operators may see them.

use super::code::AuthCode;

/// Characters of a note.
const LONGEST: usize = 300;

/// Takes out what a terminal or a page would obey, and what is too long; none where nothing is left.
pub(super) fn clean(text: &str) -> Option<String> {
    let plain = |c: &char| !c.is_control() && !turns(*c);
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(plain);
    let text: String = spaced.take(LONGEST).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// As [`clean`], and without the code, should the authority repeat it.
pub(super) fn clean_of(text: &str, code: &AuthCode) -> Option<String> {
    clean(&text.replace(code.expose(), "***"))
}

/// Says whether a character is seen only by its effect: it turns the line around, or hides.
fn turns(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_gone() {
        let text = "pay\u{1b}[2J\r\nnow\u{202e}!\0";
        assert_eq!(clean(text).as_deref(), Some("pay[2J  now!"));
        assert_eq!(clean(" \n\u{7}"), None);
        assert_eq!(clean(&"é".repeat(9999)).expect("a text").chars().count(), LONGEST);
    }

    #[test]
    fn a_code_that_is_repeated_is_not_shown() {
        let code = AuthCode::new("canary").expect("a code");
        let text = clean_of("canary is unknown, canary!", &code);
        assert_eq!(text.as_deref(), Some("*** is unknown, ***!"));
    }
}
