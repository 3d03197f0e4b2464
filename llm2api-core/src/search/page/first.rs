//! Pages in place of excerpts.

use futures::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::ReadPages;
use super::reduce::reduce_in_turns;
use crate::search::Source;

/// Reads the pages of the `first` sources, all at the same time and no longer than `until`. A page
/// that says something takes the place of the excerpt, at most `most` characters of it; where one
/// cannot be had the excerpt stays.
pub(crate) async fn read_first(
    sources: Vec<Source>,
    first: usize,
    pages: &dyn ReadPages,
    most: usize,
    until: Instant,
) -> Vec<Source> {
    let read = |(place, mut source): (usize, Source)| async move {
        if place < first {
            let text = timeout_at(until, read(&source.url, pages, most)).await;
            source.text = text.ok().flatten().unwrap_or(source.text);
        }
        source
    };
    join_all(sources.into_iter().enumerate().map(read)).await
}

async fn read(url: &str, pages: &dyn ReadPages, most: usize) -> Option<String> {
    let page = pages.read(url).await.ok()?;
    reduce_in_turns(&page, most).await
}
