//! How many tokens a chat took, counted while its answer passes.

use llm2api_core::chat::{Ending, TokenCounts, Watch};
use llm2api_core::{ChatItem, ChatStream};

use super::record::Record;

/// The figures of one chat, as its log line shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    /// Whether no upstream has counted them.
    pub(crate) estimated: bool,
}

/// Counts what passes, and notes the sum when it is dropped: however the chat ends, once.
///
/// The figures of the upstream count, where it gives any. Else a piece of the answer counts as one
/// token, four bytes of the request's text as another, and what a search for it took as the engine
/// estimates it; where nothing came, nothing counts.
#[derive(Debug)]
pub(crate) struct TokenCount {
    record: Record,
    text_bytes: u64,
    search: u64,
    pieces: u64,
    given: Option<Tokens>,
}

impl TokenCount {
    /// Starts for a request with so much text.
    pub(crate) fn new(record: Record, text_bytes: usize) -> Self {
        Self { record, text_bytes: text_bytes as u64, search: 0, pieces: 0, given: None }
    }

    /// Counts what a search for the request has added to it, and from now on the answer.
    pub(crate) fn follow(mut self, answer: ChatStream) -> ChatStream {
        self.search = answer.search_tokens();
        answer.with_watch(self)
    }

    fn sum(&self) -> Tokens {
        let text = self.text_bytes.div_ceil(4).saturating_add(self.search);
        let asked = if self.pieces == 0 { 0 } else { text };
        let estimate = Tokens { prompt: asked, completion: self.pieces, estimated: true };
        self.given.unwrap_or(estimate)
    }
}

impl Watch for TokenCount {
    fn item(&mut self, item: &ChatItem) {
        if item.has_content() {
            if self.pieces == 0 {
                self.record.first_content();
            }
            self.pieces += 1;
        }
        if let Some(TokenCounts { prompt, completion, estimated, .. }) = item.token_counts() {
            self.given = Some(Tokens { prompt, completion, estimated });
        }
    }

    fn end(&mut self, _: Ending<'_>) {}
}

impl Drop for TokenCount {
    fn drop(&mut self) {
        self.record.tokens(self.sum());
    }
}

#[cfg(test)]
mod tests {
    use futures::future::ready;
    use futures::{StreamExt, stream};
    use llm2api_core::{ChunkBody, Usage};

    use super::*;

    fn chunk(text: &str, usage: Option<Usage>) -> ChatItem {
        ChatItem::Chunk(ChunkBody { usage, ..ChunkBody::text("id", "demo", text) }.into())
    }

    fn sum(items: &[ChatItem]) -> (u64, u64, bool) {
        let mut count = TokenCount::new(Record::of("req_1"), 9);
        items.iter().for_each(|item| count.item(item));
        let Tokens { prompt, completion, estimated } = count.sum();
        (prompt, completion, estimated)
    }

    #[test]
    fn figures_that_were_given_beat_the_estimate() {
        let (text, role) = (chunk("Hello", None), chunk("", None));
        assert_eq!(sum(&[]), (0, 0, true));
        assert_eq!(sum(&[role.clone(), text.clone(), text.clone()]), (3, 2, true));
        let counted = Usage { prompt_tokens: 70, completion_tokens: 5, ..Usage::default() };
        assert_eq!(sum(&[text.clone(), chunk("", Some(counted))]), (70, 5, false));
        let guessed = chunk("", Some(Usage::estimate(8, 4)));
        assert_eq!(sum(&[role, text, guessed]), (8, 4, true));
    }

    #[tokio::test]
    async fn what_a_search_has_added_is_a_part_of_the_estimate_alone() {
        let counted = Usage { prompt_tokens: 570, completion_tokens: 5, ..Usage::default() };
        for (items, expected) in [
            (vec![], Tokens { prompt: 0, completion: 0, estimated: true }),
            (vec![chunk("Hi", None)], Tokens { prompt: 503, completion: 1, estimated: true }),
            (
                vec![chunk("Hi", Some(counted))],
                Tokens { prompt: 570, completion: 5, estimated: false },
            ),
        ] {
            let record = Record::of("req_1");
            let items = stream::iter(items.into_iter().map(Ok));
            let answer = ChatStream::new(items).with_search_tokens(500);
            let count = TokenCount::new(record.clone(), 9);
            assert!(count.follow(answer).all(|item| ready(item.is_ok())).await);
            assert_eq!(record.taken(), Some(expected));
        }
    }
}
