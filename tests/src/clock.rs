//! Dates as the imitated services write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Now, as JavaScript's `toISOString` writes it: `2026-11-22T20:45:58.574Z`.
pub(crate) fn iso() -> String {
    let since = since_epoch();
    let seconds = since.as_secs();
    let (year, month, day) = civil(seconds / DAY);
    let (hour, minute, second) = time_of_day(seconds);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The time `ahead` from now as HTTP writes it: `Sun, 22 Nov 2026 20:45:58 GMT`.
pub(crate) fn http_date(ahead: Duration) -> String {
    let seconds = (since_epoch() + ahead).as_secs();
    let days = seconds / DAY;
    let (year, month, day) = civil(days);
    let (hour, minute, second) = time_of_day(seconds);
    let weekday = WEEKDAYS[index(days % 7)];
    let month = MONTHS[index(month - 1)];
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Seconds since 1970.
pub(crate) fn unix_seconds() -> u64 {
    since_epoch().as_secs()
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn time_of_day(seconds: u64) -> (u64, u64, u64) {
    let rest = seconds % DAY;
    (rest / 3600, rest / 60 % 60, rest % 60)
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant's algorithm).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_779), (2026, 11, 22));
    }
}
