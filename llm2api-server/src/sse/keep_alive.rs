//! A clock that says when a silent stream needs a sign of life.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Fires after a time without [`touch`](Self::touch).
///
/// The timer is not moved for every touch: when it fires early, it is set again to where it
/// belongs. So a busy stream pays one clock reading a chunk and one timer move a period.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    period: Duration,
    last: Instant,
    timer: Pin<Box<Sleep>>,
}

impl KeepAlive {
    pub(crate) fn new(period: Duration) -> Self {
        let last = Instant::now();
        Self { period, last, timer: Box::pin(sleep_until(last + period)) }
    }

    /// Notes that something was sent.
    pub(crate) fn touch(&mut self) {
        self.last = Instant::now();
    }

    /// Is ready once a whole period has passed in silence, and counts anew from then on.
    pub(crate) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let due = self.last + self.period;
            let now = Instant::now();
            if now >= due {
                self.last = now;
            }
            self.timer.as_mut().reset(self.last + self.period);
            if now >= due {
                return Poll::Ready(());
            }
        }
    }
}
