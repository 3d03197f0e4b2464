//! Sets of cookies, as a `Cookie` header carries them.

use super::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Longest credential that is taken, in bytes: more than any server's header limit.
const LONGEST: usize = 16 << 10;

/// A set of cookies that belong together, such as `hf-chat` and the cookie it is coupled with.
///
/// # Example
/// ```
/// let set = llm2api_core::CookieSet::parse("hf-chat=abc; token=def")?;
/// assert_eq!(set.get("token").map(|value| value.expose()), Some("def"));
/// assert_eq!(set.header().expose(), "hf-chat=abc; token=def");
/// # Ok::<(), llm2api_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieSet {
    pairs: Vec<(String, Secret)>,
}

impl CookieSet {
    /// Reads `name=value; name2=value2`; a leading `Cookie:` is passed over.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] with code `invalid_cookie`.
    pub fn parse(text: &str) -> Result<Self> {
        let text = bounded(text)?;
        let text = text.strip_prefix("Cookie:").map_or(text, str::trim_start);
        let pairs = text.split(';').map(str::trim).filter(|pair| !pair.is_empty());
        let pairs = pairs.map(parse_pair).collect::<Result<Vec<_>>>()?;
        if pairs.is_empty() {
            return Err(invalid("the cookie is empty: give `name=value`"));
        }
        let set = Self { pairs };
        // What is sent has blanks between the cookies, and must fit as well.
        bounded(set.header().expose())?;
        Ok(set)
    }

    /// Makes a set of one cookie.
    pub fn single(name: impl Into<String>, value: Secret) -> Self {
        Self { pairs: vec![(name.into(), value)] }
    }

    /// Returns a cookie's value.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.pairs.iter().find(|(have, _)| have == name).map(|(_, value)| value)
    }

    /// Returns all values.
    pub fn values(&self) -> impl Iterator<Item = &Secret> {
        self.pairs.iter().map(|(_, value)| value)
    }

    /// Returns the text of a `Cookie` header.
    pub fn header(&self) -> Secret {
        let pairs = self.pairs.iter().map(|(name, value)| format!("{name}={}", value.expose()));
        Secret::from(pairs.collect::<Vec<_>>().join("; "))
    }
}

/// Says whether a text is a set of cookies and not a bare value.
///
/// A bare value may end in `=`, as base64 does; a name never has a value of `=` signs only.
pub(super) fn is_set(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix("Cookie:").map_or(text, str::trim_start);
    text.split_once('=').is_some_and(|(name, value)| {
        let begins = name.trim().is_empty() || is_name(name.trim());
        begins && !value.trim_start_matches('=').is_empty()
    })
}

/// Checks a bare value.
pub(super) fn bare_value(text: &str) -> Result<Secret> {
    let text = bounded(text)?;
    if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';') {
        Ok(Secret::from(text))
    } else {
        Err(invalid("the credential holds a blank, a `;`, a control or a non-ASCII character"))
    }
}

fn parse_pair(pair: &str) -> Result<(String, Secret)> {
    let (name, value) = pair
        .split_once('=')
        .ok_or_else(|| invalid("a cookie lacks its `=`: give `name=value; name2=value2`"))?;
    let (name, value) = (name.trim(), value.trim());
    if !is_name(name) {
        return Err(invalid("a cookie's name is empty or holds a forbidden character"));
    }
    if !value.bytes().all(is_value_byte) {
        return Err(invalid("a cookie's value holds a blank, control or non-ASCII character"));
    }
    Ok((name.to_owned(), Secret::from(value)))
}

fn bounded(text: &str) -> Result<&str> {
    let text = text.trim_matches(' ');
    match text.len() {
        0 => Err(invalid("the credential is empty")),
        1..=LONGEST => Ok(text),
        _ => Err(invalid("the credential is longer than 16 KiB")),
    }
}

/// A token of RFC 6265, section 4.1.1.
fn is_name(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token)
}

/// A cookie octet of RFC 6265, widened by the quotes and commas that browsers keep.
fn is_value_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b';' && byte != b'\\'
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidRequest, "read credential", message).with_code("invalid_cookie")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_bare_values_are_told_apart() {
        for text in ["a=b", "hf-chat=1; token=2", "Cookie: a=b", " a = b "] {
            assert!(is_set(text), "{text}");
        }
        for text in ["sk-abc", "sk-abc==", "eyJ.eyJ.sig", "=", "a b=c", "0f0f-11"] {
            assert!(!is_set(text), "{text}");
        }
    }

    #[test]
    fn what_could_inject_a_header_is_refused() {
        let long = "x".repeat(LONGEST + 1);
        for text in ["", "a=b\r\nX: y", "a=b\nc", "a=\0", "a=ü", "a=b c", "=b", "a=1; b", &long] {
            assert!(CookieSet::parse(text).is_err(), "{text:.20}");
        }
        for text in ["", "a\r\nb", "a\0", "ü", "a b", "a;b", &long] {
            assert!(bare_value(text).is_err(), "{text:.20}");
        }
    }
}
