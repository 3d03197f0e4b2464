//! A deadline that is set, moved and polled inside I/O.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is made at its first use and kept for the next.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    timer: Option<Pin<Box<Sleep>>>,
    armed: bool,
}

impl Deadline {
    /// Sets the deadline `wait` from now.
    pub(super) fn set(&mut self, wait: Duration) {
        let at = Instant::now() + wait;
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(at),
            None => self.timer = Some(Box::pin(sleep_until(at))),
        }
        self.armed = true;
    }

    /// Sets the deadline unless one is set.
    pub(super) fn set_if_off(&mut self, wait: Duration) {
        if !self.armed {
            self.set(wait);
        }
    }

    /// Says whether a deadline is set.
    pub(super) fn is_set(&self) -> bool {
        self.armed
    }

    /// Takes the deadline away.
    pub(super) fn off(&mut self) {
        self.armed = false;
    }

    /// Fails once the deadline has passed; wakes the task when it does.
    pub(super) fn poll<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Some(timer) = self.timer.as_mut().filter(|_| self.armed) else { return Poll::Pending };
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}
