//! A deadline that moves with every sign of life.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// As good as no limit, and still an instant that a timer takes.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Tells when nothing has happened for too long.
///
/// A sign of life only notes the time; the timer is set anew when it fires, so that a busy stream
/// costs no timer work.
#[derive(Debug)]
pub(crate) struct IdleClock {
    limit: Duration,
    last: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleClock {
    /// Starts a clock that allows `limit` of silence.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit: limit.min(LONGEST), last: Instant::now(), timer: None }
    }

    /// Notes a sign of life.
    pub(crate) fn touch(&mut self) {
        self.last = Instant::now();
    }

    /// Is ready once the silence has lasted too long.
    pub(crate) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.last + self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
