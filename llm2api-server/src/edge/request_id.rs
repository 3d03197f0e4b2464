//! The id of a request: the client's own where it can be used, else a new one.

use llm2api_core::Call;
use poem::http::HeaderMap;

/// The header that carries it, both ways.
pub(crate) const HEADER: &str = "x-request-id";
const LONGEST: usize = 128;

/// Returns the request's id.
///
/// The client's is taken only if it can stand in a header, a log line and a JSON text as it is.
pub(crate) fn of(headers: &HeaderMap) -> String {
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
    match given.filter(|id| is_plain(id)) {
        Some(id) => id.to_owned(),
        None => Call::random().id().to_owned(),
    }
}

fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken() {
        assert!(is_plain("a.B_9-"));
        assert!(is_plain(&"x".repeat(128)));
        for id in ["", "a b", "a\"b", "ü", "a,b", &"x".repeat(129)] {
            assert!(!is_plain(id), "{id}");
        }
    }
}
