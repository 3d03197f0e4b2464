//! Heads that hyper cannot read, or will not: it refuses them by itself, with an empty body.

use bytes::Bytes;
use llm2api_core::Call;
use poem::http::StatusCode;
use tracing::info;

use super::busy::Turns;
use crate::edge::REQUEST_ID;
use crate::openai::error::Failure;

/// What hyper says of a body that it has none of.
const EMPTY: &str = "content-length: 0\r\n";

/// Tells hyper's own refusals from answers, and gives them the body that every refusal has.
#[derive(Debug)]
pub(super) struct Refusal {
    turns: Turns,
    /// The turn in which everything was written that hyper had.
    written: u64,
    /// What is left to be sent in place of hyper's words.
    words: Option<Bytes>,
}

impl Refusal {
    pub(super) fn new(turns: Turns) -> Self {
        Self { turns, written: 0, words: None }
    }

    /// Notes that hyper has nothing more to write.
    pub(super) fn flushed(&mut self) {
        self.written = self.turns.now();
    }

    /// Looks at what hyper is about to write; says whether something is to be sent in its place.
    ///
    /// Where no request is worked on and the last answer has gone out, only hyper itself can speak.
    pub(super) fn replaces(&mut self, bytes: &[u8]) -> bool {
        let unasked = self.turns.working().is_none() && self.written == self.turns.now();
        if unasked && self.words.is_none() {
            self.words = explain(bytes);
            if self.words.is_some() {
                self.turns.expect_leftovers();
            }
        }
        self.words.is_some()
    }

    /// What is left to be sent.
    pub(super) fn rest(&mut self) -> Option<&mut Bytes> {
        self.words.as_mut().filter(|words| !words.is_empty())
    }
}

/// Puts the envelope into a refusal that has no body.
fn explain(head: &[u8]) -> Option<Bytes> {
    let head = std::str::from_utf8(head).ok()?;
    let status = StatusCode::from_bytes(head.get(9..12)?.as_bytes()).ok()?;
    let (start, end) = head.split_once(EMPTY)?;
    if !head.starts_with("HTTP/1.") || !head.ends_with("\r\n\r\n") {
        return None;
    }
    let call = Call::random();
    let mut body = Vec::new();
    let failure = Failure::bad_head(status);
    info!(
        request_id = call.id(),
        status = status.as_u16(),
        code = failure.code(),
        "refused a request"
    );
    failure.write_json(call.id(), &mut body);
    let (id, length) = (call.id(), body.len());
    let fields = format!("content-type: application/json\r\ncontent-length: {length}\r\n");
    let head = format!("{start}{fields}{REQUEST_ID}: {id}\r\n{end}");
    Some([head.into_bytes(), body].concat().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[u8] =
        b"HTTP/1.1 431 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn a_refusal_of_hyper_gets_the_envelope() {
        let mut refusal = Refusal::new(Turns::default());
        assert!(refusal.replaces(WORDS));
        let words = refusal.rest().expect("words").clone();
        let words = std::str::from_utf8(&words).expect("is text");
        assert!(words.starts_with("HTTP/1.1 431 Too Large\r\nconnection: close\r\n"), "{words}");
        assert!(words.contains(r#""code":"request_head_too_large""#), "{words}");
    }

    #[test]
    fn an_answer_is_never_touched_whatever_it_looks_like() {
        let turns = Turns::default();
        let mut refusal = Refusal::new(turns.clone());
        let busy = turns.begin();
        assert!(!refusal.replaces(WORDS), "a request is worked on");
        refusal.flushed();
        drop(busy);
        assert!(!refusal.replaces(WORDS), "its answer has not gone out");
        refusal.flushed();
        assert!(refusal.replaces(WORDS));
        assert!(!Refusal::new(Turns::default()).replaces(b"HTTP/1.1 100 Continue\r\n\r\n"));
    }
}
