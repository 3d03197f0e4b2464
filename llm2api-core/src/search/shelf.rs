//! Results that are good for a while, for whoever asks the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::options::Size;
use super::{Query, Source};
use crate::error::Result;
use crate::single_flight::Cached;

/// Questions that are remembered.
const MOST: usize = 256;
/// Results that cannot be renewed serve for so many times their life.
const LIVES: u32 = 4;

/// A question, as far as results are the same.
pub(super) type Key = (Query, Size);
type Results = Cached<Arc<[Source]>>;

/// Results by question. Of those who ask the same at the same time one searches.
#[derive(Debug)]
pub(super) struct Shelf {
    life: Duration,
    patience: Duration,
    books: Mutex<HashMap<Key, Book>>,
}

#[derive(Debug)]
struct Book {
    results: Arc<Results>,
    born: Instant,
}

impl Shelf {
    /// Keeps results for `life`; none where that is nothing. Nobody searches longer than `patience`.
    pub(super) fn new(life: Duration, patience: Duration) -> Self {
        Self { life, patience, books: Mutex::default() }
    }

    /// Returns what is known, else what `search` finds; where it finds nothing for a fault, what was
    /// known before.
    pub(super) async fn get(
        &self,
        key: Key,
        search: impl AsyncFnOnce() -> Result<Arc<[Source]>>,
    ) -> Result<Arc<[Source]>> {
        if self.life.is_zero() {
            return search().await;
        }
        self.book(key).get(search).await
    }

    fn book(&self, key: Key) -> Arc<Results> {
        let now = Instant::now();
        let oldest = self.life.saturating_mul(LIVES);
        // Nothing panics while it holds the lock.
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.retain(|_, book| now.duration_since(book.born) < oldest);
        if !books.contains_key(&key) && books.len() >= MOST {
            let oldest = books.iter().min_by_key(|(_, book)| book.born).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| books.remove(&oldest));
        }
        let fresh = || {
            let results = Cached::new(self.life, Duration::ZERO).with_patience(self.patience);
            Book { results: Arc::new(results), born: now }
        };
        books.entry(key).or_insert_with(fresh).results.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use tokio::time::{advance, sleep};

    use super::*;
    use crate::error::{Error, ErrorKind};

    const LIFE: Duration = Duration::from_secs(300);
    const SECOND: Duration = Duration::from_secs(1);

    fn key(text: &str) -> Key {
        (Query::new(text), Size::Medium)
    }

    fn sources(title: &str) -> Arc<[Source]> {
        Source::new("https://a.example/", title, "text").into_iter().collect()
    }

    fn failure() -> Error {
        Error::new(ErrorKind::Timeout, "search", "late")
    }

    async fn title(shelf: &Shelf, fresh: Result<Arc<[Source]>>) -> Result<String> {
        shelf.get(key("q"), async || fresh).await.map(|found| found[0].title.clone())
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_ask_the_same_search_once() {
        let (shelf, searched) = (Shelf::new(LIFE, LIFE), AtomicUsize::new(0));
        let ask = |text: &'static str| {
            shelf.get(key(text), async || {
                searched.fetch_add(1, Ordering::Relaxed);
                sleep(SECOND).await;
                Ok(sources("one"))
            })
        };
        let all = join_all((0..20).map(|at| ask(if at < 15 { "q" } else { "other" }))).await;
        assert!(all.iter().all(Result::is_ok));
        assert_eq!(searched.load(Ordering::Relaxed), 2);
        ask("q").await.expect("known");
        assert_eq!(searched.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn results_are_renewed_and_old_ones_serve_where_that_fails() {
        let shelf = Shelf::new(LIFE, LIFE);
        assert!(title(&shelf, Err(failure())).await.is_err(), "nothing is known yet");
        assert_eq!(title(&shelf, Ok(sources("one"))).await.expect("found"), "one");
        assert_eq!(title(&shelf, Ok(sources("two"))).await.expect("known"), "one");
        advance(LIFE).await;
        assert_eq!(title(&shelf, Err(failure())).await.expect("old"), "one");
        assert_eq!(title(&shelf, Ok(sources("three"))).await.expect("found"), "three");
        advance(LIFE * LIVES).await;
        assert!(title(&shelf, Err(failure())).await.is_err(), "too old to serve");
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_lets_the_next_one_search() {
        let shelf = Shelf::new(LIFE, LIFE);
        let never = shelf.get(key("q"), async || std::future::pending().await);
        let first = tokio::time::timeout(SECOND, never);
        let second = async {
            tokio::task::yield_now().await;
            title(&shelf, Ok(sources("two"))).await
        };
        let (first, second) = tokio::join!(first, second);
        assert!(first.is_err());
        assert_eq!(second.expect("found"), "two");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_has_an_end() {
        let shelf = Shelf::new(LIFE, LIFE);
        for at in 0..MOST + 10 {
            advance(Duration::from_millis(1)).await;
            shelf.get(key(&at.to_string()), async || Ok(sources("x"))).await.expect("found");
        }
        let books = shelf.books.lock().expect("no panic");
        assert_eq!(books.len(), MOST);
        assert!(!books.contains_key(&key("9")) && books.contains_key(&key("10")));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_life_nothing_is_kept() {
        let shelf = Shelf::new(Duration::ZERO, LIFE);
        assert_eq!(title(&shelf, Ok(sources("one"))).await.expect("found"), "one");
        assert_eq!(title(&shelf, Ok(sources("two"))).await.expect("found"), "two");
        assert!(title(&shelf, Err(failure())).await.is_err());
    }
}
