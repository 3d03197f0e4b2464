//! Waiting for what happens in other processes.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often a probe looks.
const EVERY: Duration = Duration::from_millis(40);

/// Waits until `probe` finds something, and returns it.
///
/// # Panics
/// When it has found nothing `within` that time.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        sleep(EVERY).await;
    }
}
