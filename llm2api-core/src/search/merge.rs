//! Several pages of results, as one list without doubles.

use std::collections::HashSet;

use super::Source;

/// A list of results that grows by pages.
#[derive(Debug, Default)]
pub(super) struct Merged {
    sources: Vec<Source>,
    seen: HashSet<String>,
}

impl Merged {
    /// Adds what is new; says whether anything was.
    pub(super) fn add(&mut self, page: Vec<Source>) -> bool {
        let before = self.sources.len();
        let fresh = page.into_iter().filter(|source| self.seen.insert(same(&source.url)));
        self.sources.extend(fresh);
        self.sources.len() > before
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.sources.len()
    }

    /// Returns the best ones.
    pub(super) fn first(mut self, most: usize) -> Vec<Source> {
        self.sources.truncate(most);
        self.sources
    }
}

/// What two addresses of one page have in common: not the scheme, not `www.`, not a slash at the end,
/// not the place in the page.
fn same(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    let url = url.strip_prefix("www.").unwrap_or(url);
    url.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(url: &str) -> Source {
        Source::new(url, "title", "text").expect("a page")
    }

    #[test]
    fn a_page_that_was_found_twice_stands_there_once() {
        let mut merged = Merged::default();
        assert!(merged.add(vec![source("https://a.example/x"), source("http://www.a.example/x/")]));
        assert!(merged.add(vec![source("https://a.example/x#top"), source("https://a.example/X")]));
        assert!(!merged.add(vec![source("http://a.example/X"), source("http://a.example/x")]));
        assert!(!merged.add(Vec::new()));
        assert_eq!(merged.len(), 2);
        let urls: Vec<_> = merged.first(1).into_iter().map(|source| source.url).collect();
        assert_eq!(urls, ["https://a.example/x"]);
    }
}
