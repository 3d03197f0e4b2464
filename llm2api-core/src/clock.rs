//! Instants and dates.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// As good as never, and still an instant that a timer takes.
pub(crate) const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Returns the instant that lies `wait` ahead; a wait that no clock can hold is cut.
pub(crate) fn after(wait: Duration) -> Instant {
    Instant::now() + wait.min(NEVER)
}

/// Seconds since 1970, as `created` has them; 0 on a machine whose clock is before that.
pub(crate) fn unix_seconds() -> u64 {
    seconds_of(SystemTime::now())
}

/// The seconds from 1970 to a time; 0 for one before that.
pub(crate) fn seconds_of(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Milliseconds since 1970; 0 on a machine whose clock is before that.
pub(crate) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Milliseconds since 1970, later than every answer before: what is made first comes first.
pub(crate) fn unix_millis_once() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = unix_millis();
    let next = |last: u64| Some(now.max(last + 1));
    // Cannot fail: there always is a next.
    LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
        .map_or(now, |last| now.max(last + 1))
}
