//! What a search asks for, checked as SearXNG does.

use std::fmt;

use crate::searches::parameter;

/// Form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A page; unknown formats count as this one.
    Html,
    /// JSON.
    Json,
    /// One that exists and that this instance does not offer.
    Off,
}

impl Format {
    /// The format that a query string asks for.
    pub(super) fn of(query: &str) -> Self {
        match parameter(query, "format").as_deref() {
            Some("json") => Self::Json,
            Some("csv" | "rss") => Self::Off,
            _ => Self::Html,
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    /// The query, its white space made single spaces.
    pub(super) query: String,
    /// Page of the results, from 1.
    pub(super) page: u64,
    /// Whether an external bang (`!!name`) leads to another service.
    pub(super) redirects: bool,
}

/// Why a search is refused; shown as its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is nothing to search for.
    NoQuery,
    /// The parameter of this name has a value that it cannot have.
    Invalid(&'static str, String),
}

impl Parameters {
    /// Reads a query string.
    pub(super) fn read(query: &str) -> Result<Self, Refusal> {
        let asked = parameter(query, "q").filter(|asked| !asked.is_empty());
        let asked = asked.ok_or(Refusal::NoQuery)?;
        let page = page(&parameter(query, "pageno").unwrap_or_else(|| "1".to_owned()))?;
        check("time_range", parameter(query, "time_range"), is_time_range)?;
        check("language", parameter(query, "language"), is_language)?;
        let words: Vec<_> = asked.split_whitespace().collect();
        let redirects = words.iter().any(|word| word.len() > 2 && word.starts_with("!!"));
        Ok(Self { query: words.join(" "), page, redirects })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoQuery => write!(to, "No query"),
            Self::Invalid(name, value) if value.is_empty() => write!(to, "Empty {name} parameter"),
            Self::Invalid(name, value) => {
                write!(to, "Invalid value \"{value}\" for parameter {name}")
            }
        }
    }
}

fn page(text: &str) -> Result<u64, Refusal> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let page = text.parse().unwrap_or(u64::MAX);
    if digits && page > 0 { Ok(page) } else { Err(Refusal::Invalid("pageno", text.to_owned())) }
}

fn check(
    name: &'static str,
    value: Option<String>,
    is_good: fn(&str) -> bool,
) -> Result<(), Refusal> {
    match value {
        Some(value) if !is_good(&value) => Err(Refusal::Invalid(name, value)),
        _ => Ok(()),
    }
}

fn is_time_range(value: &str) -> bool {
    matches!(value, "" | "None" | "day" | "week" | "month" | "year")
}

/// Two or three small letters (`all` is one of them), perhaps a country of two letters; or `auto`.
fn is_language(value: &str) -> bool {
    let (language, country) = value.split_once('-').unwrap_or((value, "AQ"));
    let small = language.bytes().all(|byte| byte.is_ascii_lowercase());
    let letters = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic());
    value == "auto" || (small && matches!(language.len(), 2 | 3) && letters)
}
