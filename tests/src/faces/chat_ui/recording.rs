//! What a generation said, numbered for those who take it up again.

use serde_json::Value;

use super::wire;

/// The updates of a generation with their numbers, which count from one and never change.
///
/// The real server collects tokens for a moment before it writes them down, and what has gathered
/// by then is one update. Here runs of two and of three take turns, so that tests repeat.
#[derive(Debug, Default)]
pub(super) struct Recording {
    merges: bool,
    numbered: Vec<Value>,
    held: Vec<String>,
    runs: usize,
}

impl Recording {
    /// An empty recording, which merges neighbouring tokens or does not.
    pub(super) fn new(merges: bool) -> Self {
        Self { merges, ..Self::default() }
    }

    /// Adds an update. A token may be held back until its neighbours are there.
    pub(super) fn push(&mut self, update: &Value) {
        match wire::token_of(update).filter(|_| self.merges) {
            Some(token) => self.hold(token),
            None => {
                self.flush();
                self.numbered.push(update.clone());
            }
        }
    }

    /// Gives a number to what is held back.
    pub(super) fn flush(&mut self) {
        if !self.held.is_empty() {
            self.numbered.push(wire::token(&std::mem::take(&mut self.held).concat()));
            self.runs += 1;
        }
    }

    /// The updates after `number`.
    pub(super) fn after(&self, number: usize) -> Vec<Value> {
        self.numbered.iter().skip(number).cloned().collect()
    }

    fn hold(&mut self, token: &str) {
        self.held.push(token.to_owned());
        if self.held.len() == 2 + self.runs % 2 {
            self.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Recording;
    use crate::faces::chat_ui::wire;

    fn recorded(merges: bool) -> Vec<String> {
        let mut recording = Recording::new(merges);
        recording.push(&wire::started());
        for token in ["a", "b", "c", "d", "e", "f"] {
            recording.push(&wire::token(token));
        }
        recording.push(&wire::finished());
        let token = |update: &serde_json::Value| update["token"].as_str().map(str::to_owned);
        recording.after(0).iter().filter_map(token).collect()
    }

    #[test]
    fn tokens_are_merged_in_twos_and_threes_where_asked_for() {
        assert_eq!(recorded(false), ["a", "b", "c", "d", "e", "f"]);
        assert_eq!(recorded(true), ["ab", "cde", "f"]);
    }

    #[test]
    fn what_was_shown_keeps_its_number() {
        let mut recording = Recording::new(true);
        let mut shown = Vec::new();
        for token in ["a", "b", "c", "d", "e", "f", "g"] {
            recording.push(&wire::token(token));
            let now = recording.after(0);
            assert!(now.starts_with(&shown), "{shown:?} became {now:?}");
            shown = now;
        }
    }
}
