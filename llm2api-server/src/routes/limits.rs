//! `x-ratelimit-…`: what a key has left, as OpenAI tells it.

use std::time::Duration;

use llm2api_core::quota::{QuotaStanding, Rate};
use poem::Response;
use poem::http::HeaderName;
use poem::http::header::HeaderValue;

/// The headers of one limit.
struct Names {
    limit: HeaderName,
    remaining: HeaderName,
    reset: HeaderName,
}

const REQUESTS: Names = Names {
    limit: HeaderName::from_static("x-ratelimit-limit-requests"),
    remaining: HeaderName::from_static("x-ratelimit-remaining-requests"),
    reset: HeaderName::from_static("x-ratelimit-reset-requests"),
};
const TOKENS: Names = Names {
    limit: HeaderName::from_static("x-ratelimit-limit-tokens"),
    remaining: HeaderName::from_static("x-ratelimit-remaining-tokens"),
    reset: HeaderName::from_static("x-ratelimit-reset-tokens"),
};

/// Adds what is left of the limits that there are.
pub(super) fn tell(response: &mut Response, standing: &QuotaStanding) {
    for (names, rate) in [(REQUESTS, standing.requests), (TOKENS, standing.tokens)] {
        let Some(Rate { limit, remaining, reset }) = rate else { continue };
        let reset = HeaderValue::from_str(&text(reset)).expect("digits and units");
        let headers = response.headers_mut();
        headers.insert(names.limit, HeaderValue::from(limit));
        headers.insert(names.remaining, HeaderValue::from(remaining));
        headers.insert(names.reset, reset);
    }
}

/// Writes `12ms`, `1s`, `6m0s`, `23h59m59s`, as OpenAI does. It rounds up: a client that comes back
/// early only fails again.
fn text(wait: Duration) -> String {
    let millis = wait.as_nanos().div_ceil(1_000_000);
    if (1..1000).contains(&millis) {
        return format!("{millis}ms");
    }
    let seconds = millis.div_ceil(1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_read_as_openai_writes_them() {
        let millis = [0, 1, 999, 1000, 1001, 59_000, 60_000, 360_000, 3_600_000, 86_399_001];
        let texts = millis.map(|millis| text(Duration::from_millis(millis)));
        assert_eq!(
            texts,
            ["0s", "1ms", "999ms", "1s", "2s", "59s", "1m0s", "6m0s", "1h0m0s", "24h0m0s"]
        );
        assert_eq!(text(Duration::from_nanos(999_000_001)), "1s");
        assert_eq!(text(Duration::from_nanos(1)), "1ms");
    }
}
