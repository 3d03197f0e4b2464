//! Which answers are cut, where, and how.

/// One cut in one answer.
///
/// Each cut is used once: by the first answer that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    answers: Answers,
    after: u64,
    pub(super) ending: Ending,
}

/// The answers that a cut is meant for, by their requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answers {
    /// To a message: `POST /conversation/ID`, or `POST …/chat/completions`.
    Sends,
    /// To what takes an answer up again: `GET /conversation/ID/stream`.
    Streams,
    /// To a read of a stored conversation, on any of its three paths.
    Reads,
    /// To a new conversation: `POST /conversation`.
    Creates,
}

/// What happens at a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The connection is closed in order.
    Fin,
    /// The connection is reset.
    Rst,
    /// Nothing more comes, and the connection stays open.
    Silence,
}

impl Cut {
    /// Closes the connection in order once `after` bytes of the answer have passed, head and
    /// framing included. After 0 bytes means: as soon as the server begins to answer.
    pub fn new(answers: Answers, after: u64) -> Self {
        Self { answers, after, ending: Ending::Fin }
    }

    /// Lets one of these answers pass whole.
    pub fn none(answers: Answers) -> Self {
        Self::new(answers, u64::MAX)
    }

    /// The same, but the connection is reset.
    #[must_use]
    pub fn by_reset(self) -> Self {
        Self { ending: Ending::Rst, ..self }
    }

    /// The same, but the connection stays open and silent.
    #[must_use]
    pub fn by_silence(self) -> Self {
        Self { ending: Ending::Silence, ..self }
    }

    /// Whether it is meant for the answer to this request.
    pub(super) fn fits(&self, method: &str, path: &str) -> bool {
        Answers::of(method, path) == Some(self.answers)
    }

    /// How many of `more` bytes may pass after `passed` ones, and whether it cuts behind them.
    pub(super) fn share(&self, passed: u64, more: usize) -> (usize, bool) {
        let left = self.after.saturating_sub(passed);
        match usize::try_from(left) {
            Ok(left) if left <= more => (left, true),
            _ => (more, false),
        }
    }
}

impl Answers {
    fn of(method: &str, target: &str) -> Option<Self> {
        let path = target.split('?').next().unwrap_or_default();
        let parts: Vec<_> = path.split('/').skip(1).collect();
        match (method, parts.as_slice()) {
            ("POST", ["conversation"]) => Some(Self::Creates),
            ("POST", ["conversation", _] | [.., "chat", "completions"]) => Some(Self::Sends),
            ("GET", ["conversation", _, "stream"]) => Some(Self::Streams),
            ("GET", ["conversation", _, "__data.json"] | ["api", "conversation", _]) => {
                Some(Self::Reads)
            }
            ("GET", ["api", "v2", "conversations", _]) => Some(Self::Reads),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answers, Cut};

    #[test]
    fn requests_are_told_apart() {
        let cases = [
            ("POST", "/v1/chat/completions", Some(Answers::Sends)),
            ("POST", "/conversation/64", Some(Answers::Sends)),
            ("POST", "/conversation", Some(Answers::Creates)),
            ("POST", "/conversation/64/stop-generating", None),
            ("DELETE", "/conversation/64", None),
            ("GET", "/conversation/64/stream?generationId=1", Some(Answers::Streams)),
            ("GET", "/api/v2/conversations/64", Some(Answers::Reads)),
            ("GET", "/api/v2/models", None),
        ];
        for (method, path, answers) in cases {
            assert_eq!(Answers::of(method, path), answers, "{method} {path}");
        }
    }

    #[test]
    fn a_cut_lets_exactly_its_bytes_pass() {
        let cut = Cut::new(Answers::Sends, 10);
        assert_eq!(cut.share(0, 9), (9, false));
        assert_eq!(cut.share(9, 1), (1, true));
        assert_eq!(cut.share(9, 5), (1, true));
        assert_eq!(Cut::new(Answers::Sends, 0).share(0, 5), (0, true));
        assert_eq!(Cut::none(Answers::Sends).share(0, 5), (5, false));
    }
}
