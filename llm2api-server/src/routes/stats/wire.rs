//! Statistics as JSON. Points in time are seconds since 1970; null where nothing is known.

use std::collections::BTreeMap;

use llm2api_core::auth::AuthStatus;
use llm2api_core::stats::{Now, SpanFigures};
use llm2api_core::{HistogramSnapshot, TallySnapshot};
use serde::Serialize;

use crate::clock::{micros, millis};

/// How the server fares, and all that it has done.
#[derive(Debug, Serialize)]
pub(in crate::routes) struct Stats {
    pub(super) server: ServerPart,
    pub(super) now: NowPart,
    pub(super) totals: Figures,
}

/// The server.
#[derive(Debug, Serialize)]
pub(super) struct ServerPart {
    pub(super) version: &'static str,
    pub(super) started: u64,
    pub(super) now: u64,
    pub(super) status: &'static str,
    pub(super) store: &'static str,
    /// Whether anybody may chat without a key.
    pub(super) open: bool,
    pub(super) api_path: String,
    pub(super) web_search: bool,
    pub(super) authorisation: Option<Authorisation>,
}

/// How the authorisation stands.
#[derive(Debug, Serialize)]
pub(super) struct Authorisation {
    state: &'static str,
    message: Option<String>,
    plan: Option<String>,
    holder: Option<String>,
    expires_at: Option<u64>,
    last_check: Option<u64>,
    next_check: Option<u64>,
}

impl From<AuthStatus> for Authorisation {
    fn from(status: AuthStatus) -> Self {
        Self {
            state: status.state.as_str(),
            message: status.message.or(status.note),
            plan: status.plan,
            holder: status.holder,
            expires_at: status.expires_at,
            last_check: status.last_check,
            next_check: status.next_check,
        }
    }
}

/// The last seconds and minutes of this server.
#[derive(Debug, Serialize)]
pub(super) struct NowPart {
    in_flight: u64,
    streams: u64,
    requests_per_second: f64,
    tokens_per_second: f64,
    success: Option<f64>,
    latency_ms: Quantiles,
    first_content_ms: Quantiles,
    overhead_us: Highest,
    credentials: Credentials,
}

impl NowPart {
    pub(super) fn new(now: &Now, credentials: Credentials) -> Self {
        Self {
            in_flight: now.in_flight,
            streams: now.streams,
            requests_per_second: rounded(now.requests_per_second),
            tokens_per_second: rounded(now.tokens_per_second),
            success: now.success,
            latency_ms: Quantiles::of(&now.latency),
            first_content_ms: Quantiles::of(&now.first_content),
            overhead_us: Highest::of(&now.overhead),
            credentials,
        }
    }
}

/// Nobody reads more digits of a rate.
fn rounded(rate: f64) -> f64 {
    (rate * 100.0).round() / 100.0
}

/// How many credentials there are, and how many may be used now.
#[derive(Debug, Default, Serialize)]
pub(super) struct Credentials {
    pub(super) usable: usize,
    pub(super) total: usize,
}

/// In milliseconds.
#[derive(Debug, Serialize)]
struct Quantiles {
    p50: Option<u64>,
    p95: Option<u64>,
}

impl Quantiles {
    fn of(histogram: &HistogramSnapshot) -> Self {
        let quantile = |share| histogram.quantile(share).map(millis);
        Self { p50: quantile(0.5), p95: quantile(0.95) }
    }
}

/// In microseconds.
#[derive(Debug, Serialize)]
struct Highest {
    p95: Option<u64>,
}

impl Highest {
    fn of(histogram: &HistogramSnapshot) -> Self {
        Self { p95: histogram.quantile(0.95).map(micros) }
    }
}

/// What was counted: tokens that upstreams have counted and those that were estimated are apart.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figures {
    requests: u64,
    completed: u64,
    cancelled: u64,
    failed: u64,
    refused: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    estimated_prompt_tokens: u64,
    estimated_completion_tokens: u64,
}

impl From<&TallySnapshot> for Figures {
    fn from(tally: &TallySnapshot) -> Self {
        Self {
            requests: tally.requests,
            completed: tally.completed,
            cancelled: tally.cancelled,
            failed: tally.failed,
            refused: tally.refused,
            prompt_tokens: tally.given.prompt,
            completion_tokens: tally.given.completion,
            estimated_prompt_tokens: tally.estimated.prompt,
            estimated_completion_tokens: tally.estimated.completion,
        }
    }
}

/// A chart.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    pub(super) of: String,
    pub(super) span: &'static str,
    pub(super) points: Vec<Point>,
}

/// What happened within one span of a chart.
#[derive(Debug, Serialize)]
pub(super) struct Point {
    at: u64,
    #[serde(flatten)]
    figures: Figures,
    latency_ms: Quantiles,
    first_content_ms: Quantiles,
    overhead_us: Highest,
}

impl From<&SpanFigures> for Point {
    fn from(span: &SpanFigures) -> Self {
        Self {
            at: span.at,
            figures: Figures::from(&span.figures),
            latency_ms: Quantiles::of(&span.figures.duration),
            first_content_ms: Quantiles::of(&span.figures.first_content),
            overhead_us: Highest::of(&span.figures.overhead),
        }
    }
}

/// A list of what was counted one by one.
#[derive(Debug, Serialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
}

/// One model.
#[derive(Debug, Serialize)]
pub(super) struct ModelFigures {
    pub(super) id: String,
    pub(super) upstreams: Vec<String>,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

/// One client key.
#[derive(Debug, Serialize)]
pub(super) struct KeyFigures {
    pub(super) id: String,
    pub(super) name: Option<String>,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

/// Medians in milliseconds, minute by minute, by credential.
#[derive(Debug, Serialize)]
pub(super) struct Sparks {
    pub(super) data: BTreeMap<String, Vec<Option<u64>>>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use llm2api_core::Metrics;

    use super::*;

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).expect("is JSON")
    }

    fn span() -> SpanFigures {
        let metrics = Metrics::default();
        let tally = metrics.model("llama");
        tally.begin();
        tally.first_content(Duration::from_millis(30));
        let mut span = SpanFigures::default();
        (span.at, span.figures) = (1_700_000_040, tally.snapshot());
        span
    }

    #[test]
    fn what_happened_is_flat_json() {
        let span = span();
        let chart = Chart { of: "total".into(), span: "minute", points: vec![(&span).into()] };
        let model = ModelFigures {
            id: "llama".into(),
            upstreams: vec!["team".into()],
            figures: Figures::from(&span.figures),
        };
        let key = KeyFigures { id: "key_1".into(), name: None, figures: Figures::default() };
        let sparks = Sparks { data: [("cred_1".to_owned(), vec![None, Some(120)])].into() };
        let texts = [
            json(&chart),
            json(&List { data: vec![model] }),
            json(&List { data: vec![key] }),
            json(&sparks),
        ];
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn how_things_are_is_json() {
        let server = ServerPart {
            version: "0.1.0",
            started: 1_700_000_000,
            now: 1_700_000_100,
            status: "ok",
            store: "ok",
            open: false,
            api_path: String::new(),
            web_search: true,
            authorisation: None,
        };
        let credentials = Credentials { usable: 1, total: 2 };
        let now = NowPart::new(&Now::default(), credentials);
        let stats = Stats { server, now, totals: Figures::default() };
        insta::assert_snapshot!(json(&stats));
    }
}
