//! What a chat takes of the tokens that whoever asks may use in a day.

use llm2api_core::adapt::TokenCounter;
use llm2api_core::chat::{Ending, Watch};
use llm2api_core::quota::Ticket;
use llm2api_core::{ChatItem, ChatStream};

/// Holds what a chat was admitted under, until its answer has ended, whichever way.
///
/// The figures of the upstream count, where it gives any. Else the texts of request and answer are
/// counted, and what a search for it has added: whether somebody is limited is not for him to choose
/// by what he asks for. Who leaves has used what he sent, since an upstream was at work on it.
#[derive(Debug)]
pub(crate) struct Spending {
    tickets: Vec<Ticket>,
    /// An estimate of the request's tokens; none where nobody counts tokens.
    prompt: Option<u64>,
    /// An estimate of what models have read and written for a search.
    search: u64,
    answer: TokenCounter,
    given: Option<u64>,
    refunded: bool,
}

impl Spending {
    /// Starts for a request of so many tokens, or where none are to be counted.
    pub(crate) fn new(prompt: Option<u64>) -> Self {
        let (tickets, answer) = (Vec::new(), TokenCounter::new());
        Self { tickets, prompt, search: 0, answer, given: None, refunded: false }
    }

    /// Says whether somebody is held to a number of tokens.
    pub(crate) fn counts(&self) -> bool {
        self.prompt.is_some()
    }

    /// Returns the tokens of the request; 0 where none are to be counted.
    pub(crate) fn prompt(&self) -> u64 {
        self.prompt.unwrap_or_default()
    }

    /// Holds a ticket.
    pub(crate) fn hold(&mut self, ticket: Ticket) {
        self.tickets.push(ticket);
    }

    /// Counts what a search for the request has added to it, and from now on the answer.
    pub(crate) fn follow(mut self, answer: ChatStream) -> ChatStream {
        self.search = answer.search_tokens();
        answer.with_watch(self)
    }

    /// Gives all tokens back: no answer came of the request.
    pub(crate) fn refund(mut self) {
        self.refunded = true;
    }

    fn took(&self) -> u64 {
        match self.refunded {
            true => 0,
            false => self.given.unwrap_or_else(|| self.estimate()),
        }
    }

    fn estimate(&self) -> u64 {
        let asked = self.prompt().saturating_add(self.search);
        asked.saturating_add(self.answer.tokens())
    }
}

impl Watch for Spending {
    fn item(&mut self, item: &ChatItem) {
        if !self.counts() {
            return;
        }
        // An estimate of the engine's may go by the number of pieces.
        if let Some(counts) = item.token_counts().filter(|counts| !counts.estimated) {
            self.given = Some(counts.prompt.saturating_add(counts.completion));
        }
        // Looking into a whole answer whose figures are known would be for nothing.
        if self.given.is_none() {
            item.visit_texts(&mut |text| self.answer.push(text));
        }
    }

    fn end(&mut self, _: Ending<'_>) {}
}

impl Drop for Spending {
    fn drop(&mut self) {
        let took = self.took();
        self.tickets.iter_mut().for_each(|ticket| ticket.settle(took));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::{StreamExt, stream};
    use llm2api_core::quota::{Allowance, Quotas};
    use llm2api_core::store::MemoryStore;
    use llm2api_core::{ChunkBody, Usage};

    use super::*;

    fn chunk(text: &str, usage: Option<Usage>) -> ChatItem {
        ChatItem::Chunk(ChunkBody { usage, ..ChunkBody::text("id", "demo", text) }.into())
    }

    fn took(prompt: Option<u64>, items: &[ChatItem]) -> u64 {
        let mut spending = Spending::new(prompt);
        items.iter().for_each(|item| spending.item(item));
        spending.took()
    }

    #[test]
    fn what_was_written_counts_and_not_in_how_many_pieces() {
        let words = "one two three four five six seven eight nine ten ".repeat(100);
        let pieces: Vec<_> = words.split_inclusive(' ').map(|word| chunk(word, None)).collect();
        let whole = took(Some(7), &[chunk(&words, None)]);
        assert_eq!(took(Some(7), &pieces), whole);
        assert!((900..1200).contains(&whole), "{whole}");
        assert_eq!(took(Some(7), &[]), 7, "who leaves has used what he sent");
        assert_eq!(took(None, &pieces), 0, "nobody counts");
    }

    #[test]
    fn figures_of_the_upstream_come_first() {
        let counted = Usage { prompt_tokens: 70, completion_tokens: 5, ..Usage::default() };
        assert_eq!(took(Some(7), &[chunk("Hello", None), chunk("", Some(counted))]), 75);
        let guessed = Usage::estimate(1_000, 1);
        assert_eq!(took(Some(7), &[chunk("Hello", None), chunk("", Some(guessed))]), 8);
    }

    /// What a key has used after a request of 7 tokens whose search took 500, and this answer.
    async fn used(items: &[ChatItem], reads: usize) -> u64 {
        let quotas = Quotas::new(Arc::new(MemoryStore::default()));
        let allowance = Allowance { tokens_per_day: Some(10_000), ..Allowance::default() };
        let (ticket, _) = quotas.admit("key_1", &allowance, 7).await.expect("within the limits");
        let mut spending = Spending::new(Some(7));
        spending.hold(ticket);
        let items: Vec<_> = items.iter().cloned().map(Ok).collect();
        let answer = ChatStream::new(stream::iter(items)).with_search_tokens(500);
        let read = spending.follow(answer).take(reads).collect::<Vec<_>>().await;
        assert!(read.iter().all(Result::is_ok));
        quotas.tokens_today("key_1").await
    }

    #[tokio::test]
    async fn what_a_search_has_added_counts_where_the_upstream_does_not_count() {
        let hello = chunk("Hello", None);
        let guessed = chunk("", Some(Usage::estimate(900, 1)));
        let counted = Usage { prompt_tokens: 570, completion_tokens: 5, ..Usage::default() };
        let counted = chunk("", Some(counted));
        assert_eq!(used(std::slice::from_ref(&hello), 9).await, 508);
        assert_eq!(used(&[hello.clone(), guessed], 9).await, 508);
        assert_eq!(used(&[hello.clone(), counted], 9).await, 575, "it has read the sources too");
        assert_eq!(used(&[hello], 0).await, 507, "who leaves has used what was found for him");
    }
}
