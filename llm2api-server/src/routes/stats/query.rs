//! What is asked of a chart: `?of=&span=&last=`.

use llm2api_core::stats::Series;
use llm2api_core::store::Span;
use poem::Request;
use serde::Deserialize;

use crate::openai::error::Failure;

const OF: &str = "write `total`, `model:NAME`, `credential:ID`, `key:ID` or `upstream:NAME`";
const SPAN: &str = "write `minute` or `hour`";

/// As it was sent: each mistake is named for itself.
#[derive(Deserialize)]
struct Sent {
    of: Option<String>,
    span: Option<String>,
    last: Option<String>,
}

/// Which chart is wanted.
pub(super) struct Query {
    pub(super) series: Series,
    pub(super) span: Span,
    pub(super) last: u64,
}

impl Query {
    /// Reads the query.
    pub(super) fn of(request: &Request) -> Result<Self, Failure> {
        let once = "write each of `of`, `span` and `last` once";
        let sent: Sent = request.params().map_err(|_| Failure::invalid_value("of", once))?;
        let series = sent.of.and_then(|of| of.parse().ok());
        let series = series.ok_or_else(|| Failure::invalid_value("of", OF))?;
        let known = |span: String| Span::ALL.into_iter().find(|known| known.as_str() == span);
        let span = sent.span.and_then(known);
        let span = span.ok_or_else(|| Failure::invalid_value("span", SPAN))?;
        let last = sent.last.map_or(Ok(usual(span)), |text| read(&text, span))?;
        Ok(Self { series, span, last })
    }
}

/// An hour of minutes, a day of hours.
fn usual(span: Span) -> u64 {
    if span == Span::Hour { 24 } else { 60 }
}

fn read(text: &str, span: Span) -> Result<u64, Failure> {
    let last = text.parse().ok().filter(|last| (1..=span.kept()).contains(last));
    last.ok_or_else(|| {
        let right = format!("write a whole number from 1 to {}", span.kept());
        Failure::invalid_value("last", &right)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<(String, u64), String> {
        let request = Request::builder().uri_str(format!("/stats/series?{text}")).finish();
        let query = Query::of(&request).map_err(|failure| failure.message().to_owned())?;
        Ok((query.series.to_string(), query.last))
    }

    #[test]
    fn mistakes_are_named_with_what_to_write() {
        assert_eq!(query("of=total&span=minute"), Ok(("total".into(), 60)));
        assert_eq!(query("of=model%3Aa%26b&span=hour"), Ok(("model:a&b".into(), 24)));
        assert_eq!(query("of=key:key_1&span=hour&last=720"), Ok(("key:key_1".into(), 720)));
        for wrong in ["span=hour", "of=model&span=hour", "of=&span=hour", "of=secret:a&span=hour"] {
            assert_eq!(query(wrong), Err(OF.into()), "{wrong}");
        }
        for wrong in ["of=total", "of=total&span=day"] {
            assert_eq!(query(wrong), Err(SPAN.into()), "{wrong}");
        }
        for wrong in ["0", "1441", "-1", "many", ""] {
            let text = format!("of=total&span=minute&last={wrong}");
            assert_eq!(query(&text), Err("write a whole number from 1 to 1440".into()), "{wrong}");
        }
    }
}
