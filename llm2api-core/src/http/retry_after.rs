//! The `Retry-After` header.

use std::time::{Duration, SystemTime};

/// Longest wait that is believed.
const LONGEST: Duration = Duration::from_secs(3600);

/// Reads how long to wait: whole or broken seconds, or a date, at most an hour.
pub(crate) fn read(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 => Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST),
        Ok(_) => return None,
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_dates_and_nonsense() {
        let now = httpdate::parse_http_date("Sun, 22 Nov 2026 20:45:58 GMT").expect("a date");
        let wait = |text: &str| read(text, now).map(|wait| wait.as_secs());
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait("1.5"), Some(1));
        assert_eq!(wait("Sun, 22 Nov 2026 20:46:58 GMT"), Some(60));
        assert_eq!(wait("Sun, 22 Nov 2020 20:46:58 GMT"), Some(0));
        assert_eq!(wait("99999999999999999999"), Some(3600));
        assert_eq!(wait("inf"), Some(3600));
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("NaN"), None);
        assert_eq!(wait("soon"), None);
    }
}
