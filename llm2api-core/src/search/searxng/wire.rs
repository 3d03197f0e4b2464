//! What SearXNG answers.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::search::Source;

/// Results that are looked at: no page of SearXNG has more.
const MOST: usize = 100;
/// Engines that are named in a log line.
const NAMED: usize = 5;

/// A page of results, as far as it is of interest.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(deserialize_with = "first")]
    results: Vec<Value>,
    #[serde(default, deserialize_with = "first")]
    unresponsive_engines: Vec<Value>,
}

/// Reads the beginning of a list: millions of entries must not become as many values.
fn first<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    deserializer.deserialize_seq(First)
}

struct First;

impl<'de> Visitor<'de> for First {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Value>, A::Error> {
        let mut first = Vec::new();
        while first.len() < MOST
            && let Some(entry) = list.next_element()?
        {
            first.push(entry);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }
}

impl Answer {
    /// Returns the results that are of use; one that is not a page of the web is none.
    pub(super) fn sources(&self) -> Vec<Source> {
        self.results.iter().filter_map(source).collect()
    }

    /// Names the engines that gave nothing, with the reasons, where no engine gave anything.
    pub(super) fn all_failed(&self) -> Option<String> {
        if !self.results.is_empty() || self.unresponsive_engines.is_empty() {
            return None;
        }
        let named = self.unresponsive_engines.iter().take(NAMED).map(engine);
        Some(named.collect::<Vec<_>>().join(", "))
    }
}

fn source(result: &Value) -> Option<Source> {
    let field = |name: &str| result.get(name).and_then(Value::as_str);
    let source = Source::new(
        field("url")?,
        field("title").unwrap_or_default(),
        field("content").unwrap_or_default(),
    )?;
    Some(source.with_published(field("publishedDate")))
}

/// An engine is a list of its name and what went wrong.
fn engine(engine: &Value) -> String {
    let words = engine.as_array().into_iter().flatten().filter_map(Value::as_str);
    let said = words.collect::<Vec<_>>().join(": ");
    said.chars().filter(|c| !c.is_control()).take(60).collect()
}
