//! The time of a line.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{self, FormatTime};

use super::text::digit;

const DAY: u64 = 24 * 60 * 60;
/// When a year has five digits.
const YEAR_10000: u64 = 253_402_300_800;
/// From March of the year 0 to 1970.
const DAYS_BEFORE_1970: u64 = 719_468;
const DAYS_IN_400_YEARS: u64 = 146_097;

/// The time by the world's clock, to the microsecond, as RFC 3339 writes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) if since.as_secs() < YEAR_10000 => {
                let text = text(since.as_secs(), since.subsec_micros());
                out.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
            // A clock as wrong as that is left to somebody who can read it.
            _ => time::SystemTime.format_time(out),
        }
    }
}

/// Writes a time by the seconds since 1970.
fn text(seconds: u64, micros: u32) -> [u8; 27] {
    let (year, month, day) = date(seconds / DAY);
    let second = seconds % DAY;
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    put(&mut text[0..4], year);
    put(&mut text[5..7], month);
    put(&mut text[8..10], day);
    put(&mut text[11..13], second / 3600);
    put(&mut text[14..16], second / 60 % 60);
    put(&mut text[17..19], second % 60);
    put(&mut text[20..26], micros.into());
    text
}

/// Returns year, month and day by the days since 1970.
///
/// Years begin in March here: then the odd day of a leap year is the last one, and the lengths of
/// the months before it follow one rule.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let (era, day) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, next) = (day - (153 * month + 2) / 5 + 1, u64::from(month >= 10));
    (400 * era + year + next, month + 3 - 12 * next, day)
}

/// Fills a place with the last digits of a number.
fn put(place: &mut [u8], number: u64) {
    let mut rest = number;
    for byte in place.iter_mut().rev() {
        *byte = digit(rest);
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_calendar_has_them() {
        for (seconds, micros, expected) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (1, 1, "1970-01-01T00:00:01.000001Z"),
            (68_169_599, 999_999, "1972-02-28T23:59:59.999999Z"),
            (68_169_600, 0, "1972-02-29T00:00:00.000000Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000000Z"),
            (951_868_800, 500_000, "2000-03-01T00:00:00.500000Z"),
            (1_704_067_199, 0, "2023-12-31T23:59:59.000000Z"),
            (2_147_483_648, 0, "2038-01-19T03:14:08.000000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
            (11_847_456_541, 0, "2345-06-07T08:09:01.000000Z"),
            (YEAR_10000 - 1, 999_999, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(String::from_utf8_lossy(&text(seconds, micros)), expected);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = date(0);
        for days in 1..YEAR_10000 / DAY {
            let (year, month, day) = date(days);
            let next = match last {
                (before, 12, 31) => (before + 1, 1, 1),
                (before, of, _) if day == 1 => (before, of + 1, 1),
                (before, of, at) => (before, of, at + 1),
            };
            assert_eq!((year, month, day), next);
            last = next;
        }
        assert_eq!(last, (9999, 12, 31));
    }

    #[test]
    fn now_is_between_what_others_say_before_and_after() {
        let written = |timer: &dyn FormatTime| {
            let mut text = String::new();
            timer.format_time(&mut Writer::new(&mut text)).expect("a String takes everything");
            text
        };
        let (before, now, after) =
            (written(&time::SystemTime), written(&Utc), written(&time::SystemTime));
        assert!(before <= now && now <= after, "{before} {now} {after}");
    }
}
