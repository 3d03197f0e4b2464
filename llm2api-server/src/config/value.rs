//! From text to values: durations, sizes, lists. Each says what would have been right.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tracing_subscriber::EnvFilter;

type Parsed<T> = Result<T, &'static str>;

const DURATION: &str = "write a duration such as `30s`, `2h`, `500ms`, or bare seconds";
const TOO_LONG: &str = "write at most `3650d`, ten years";
const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);
const SIZE: &str = "write a size such as `20MiB`, `64KiB`, or bare bytes";
const ADDRESS: &str = "write an address and a port such as `127.0.0.1:9999`";
const URL: &str = "write a base URL that begins with `http://` or `https://`";
const API_PATH: &str = "write path segments of letters, digits, `-`, `_`, `.` and `~`";

/// Reads `30s`, `2h`, `1.5s`, `500ms`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Parsed<Duration> {
    let (number, unit) = split_unit(text);
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return Err(DURATION),
    };
    let number: f64 = number.parse().map_err(|_| DURATION)?;
    let duration = Duration::try_from_secs_f64(number * seconds).map_err(|_| DURATION)?;
    if duration > LONGEST { Err(TOO_LONG) } else { Ok(duration) }
}

/// Reads a duration as [`duration`] does; a bare number is minutes.
pub(crate) fn minutes(text: &str) -> Parsed<Duration> {
    let bare = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let right = "write minutes such as `5`, or a duration such as `30s` or `2h`; 0 is off";
    let text = if bare { &format!("{text}min") } else { text };
    duration(text).map_err(|wrong| if wrong == DURATION { right } else { wrong })
}

/// Reads `20MiB`, `64KiB`, `1GB`; a bare number is bytes.
pub(crate) fn size(text: &str) -> Parsed<usize> {
    let (number, unit) = split_unit(text);
    let bytes: usize = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(SIZE),
    };
    let number: usize = number.parse().map_err(|_| SIZE)?;
    number.checked_mul(bytes).ok_or(SIZE)
}

/// Reads a whole number of at least one.
pub(crate) fn count(text: &str) -> Parsed<u32> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a whole number of at least 1"),
        Ok(number) => Ok(number),
    }
}

/// Reads a whole number.
pub(crate) fn number(text: &str) -> Parsed<u32> {
    text.parse().map_err(|_| "write a whole number")
}

/// Reads a number from 0 to 1.
pub(crate) fn ratio(text: &str) -> Parsed<f64> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or("write a number from 0 to 1, such as `0.1`")
}

/// Reads a switch.
pub(crate) fn switch(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("write `true` or `false`"),
    }
}

/// Reads levels of logging, such as `info,llm2api_core=debug`.
pub(crate) fn log_filter(text: &str) -> Parsed<String> {
    let right = "write levels such as `info` or `info,llm2api_core=debug`";
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|_| right)
}

/// Reads an address and a port; names are not looked up, apart from `localhost`.
pub(crate) fn address(text: &str) -> Parsed<SocketAddr> {
    if let Some(port) = text.strip_prefix("localhost:") {
        let port = port.parse().map_err(|_| ADDRESS)?;
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.parse().map_err(|_| ADDRESS)
}

/// Reads a base URL; the upstream's client checks the rest of it.
pub(crate) fn url(text: &str) -> Parsed<&str> {
    let (scheme, host) = text.split_once("://").ok_or(URL)?;
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(URL);
    }
    if host.is_empty() || host.starts_with('/') || host.contains(char::is_whitespace) {
        return Err(URL);
    }
    Ok(text)
}

/// Reads a path prefix and gives it with a leading slash, or an empty text.
pub(crate) fn api_path(text: &str) -> Parsed<String> {
    let mut path = String::new();
    for segment in text.split('/').filter(|segment| !segment.is_empty()) {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        if !segment.chars().all(plain) || segment.chars().all(|c| c == '.') {
            return Err(API_PATH);
        }
        path.push('/');
        path.push_str(segment);
    }
    Ok(path)
}

/// Splits a list at commas and newlines; empty items are left out.
pub(crate) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty())
}

fn split_unit(text: &str) -> (&str, &str) {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_units_and_bare_seconds() {
        let millis = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(millis("30s"), Ok(30_000));
        assert_eq!(millis("30"), Ok(30_000));
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("1.5 s"), Ok(1_500));
        assert_eq!(millis("2h"), Ok(7_200_000));
        for text in ["", "s", "-1s", "1w", "1.2.3", "1e400", "NaN", "99999999999999999999d"] {
            assert_eq!(millis(text), Err(DURATION), "{text}");
        }
    }

    #[test]
    fn bare_numbers_may_be_minutes() {
        let seconds = |text| minutes(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("5"), Ok(300));
        assert_eq!(seconds("0"), Ok(0));
        assert_eq!(seconds("0.5"), Ok(30));
        assert_eq!(seconds("10s"), Ok(10));
        assert_eq!(seconds("2h"), Ok(7200));
        for text in ["", "-1", "soon", "1w", "."] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_take_units_and_bare_bytes() {
        assert_eq!(size("20MiB"), Ok(20 << 20));
        assert_eq!(size("64 kib"), Ok(64 << 10));
        assert_eq!(size("1MB"), Ok(1_000_000));
        assert_eq!(size("17"), Ok(17));
        for text in ["", "MiB", "-1", "1.5MiB", "1XB", "99999999999999999999GiB"] {
            assert_eq!(size(text), Err(SIZE), "{text}");
        }
    }

    #[test]
    fn ratios_go_from_nothing_to_all() {
        for (text, expected) in [("0", 0.0), ("0.25", 0.25), (".5", 0.5), ("1", 1.0), ("1.0", 1.0)]
        {
            assert!(ratio(text).is_ok_and(|ratio| (ratio - expected).abs() < 1e-9), "{text}");
        }
        for text in ["", "-0.1", "1.01", "NaN", "inf", "10%", "half"] {
            assert!(ratio(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths_are_put_in_order_and_cannot_hold_patterns() {
        assert_eq!(api_path("custom").as_deref(), Ok("/custom"));
        assert_eq!(api_path("//a/b/").as_deref(), Ok("/a/b"));
        assert_eq!(api_path("/").as_deref(), Ok(""));
        for text in [":id", "a/*rest", "<x>", "a b", "..", "a/../b", "a%2fb", "é"] {
            assert_eq!(api_path(text), Err(API_PATH), "{text}");
        }
    }

    #[test]
    fn lists_leave_out_empty_items() {
        assert_eq!(list(" a, ,b\n\nc,").collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
