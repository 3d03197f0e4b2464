//! An engine that fails is left alone for a while, so that not every chat waits for it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::after;
use crate::error::{Error, ErrorKind, Result};

/// Faults in a row that may be those of one question.
const STRAY: u32 = 3;
const SHORT: Duration = Duration::from_secs(5);
const USUAL: Duration = Duration::from_secs(10);
const LIMITED: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(60);

/// How an engine fares.
#[derive(Debug, Default)]
pub(super) struct Rest {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    faults: u32,
    until: Option<(Instant, Error)>,
}

impl Rest {
    /// Says why nobody asks the engine now.
    ///
    /// # Errors
    /// The fault that it rests for.
    pub(super) fn check(&self) -> Result<()> {
        match &self.state().until {
            Some((until, fault)) if Instant::now() < *until => Err(fault.copy()),
            _ => Ok(()),
        }
    }

    /// Learns how it went.
    pub(super) fn learn<T>(&self, asked: &Result<T>) {
        let mut state = self.state();
        let Err(error) = asked else {
            *state = State::default();
            return;
        };
        if error.kind() == ErrorKind::InvalidRequest || error.status() == Some(400) {
            return; // the question's fault, not the engine's
        }
        state.faults += 1;
        if let Some(rest) = rest_for(error, state.faults) {
            state.until = Some((after(rest), error.copy()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is plainly said holds for every question; what only went wrong may not.
fn rest_for(error: &Error, faults: u32) -> Option<Duration> {
    match error.kind() {
        ErrorKind::RateLimited => Some(error.retry_after().unwrap_or(LIMITED).min(LONGEST)),
        ErrorKind::Connect => Some(SHORT),
        ErrorKind::Configuration => Some(USUAL),
        _ => (faults >= STRAY).then_some(USUAL),
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn learn(rest: &Rest, kind: ErrorKind, status: u16) {
        rest.learn::<()>(&Err(Error::new(kind, "search", "fault").with_status(status)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_plainly_said_is_believed_at_once_and_for_a_while() {
        for (kind, status, wait) in [
            (ErrorKind::RateLimited, 429, LIMITED),
            (ErrorKind::Connect, 0, SHORT),
            (ErrorKind::Configuration, 403, USUAL),
        ] {
            let rest = Rest::default();
            learn(&rest, kind, status);
            advance(wait.checked_sub(Duration::from_millis(1)).expect("longer")).await;
            assert_eq!(rest.check().expect_err("it rests").kind(), kind);
            advance(Duration::from_millis(1)).await;
            assert!(rest.check().is_ok());
        }
        let rest = Rest::default();
        let hour = Duration::from_secs(3600);
        let limited = Error::new(ErrorKind::RateLimited, "search", "slow down");
        rest.learn::<()>(&Err(limited.with_retry_after(hour)));
        advance(LONGEST).await;
        assert!(rest.check().is_ok(), "nobody believes an hour");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stray_fault_is_none_of_the_others() {
        let rest = Rest::default();
        for _ in 0..9 {
            learn(&rest, ErrorKind::Configuration, 400);
        }
        assert!(rest.check().is_ok());
        for fault in 1..=STRAY {
            assert!(rest.check().is_ok(), "before fault {fault}");
            learn(&rest, ErrorKind::Timeout, 0);
        }
        assert!(rest.check().is_err());
        advance(USUAL).await;
        learn(&rest, ErrorKind::Timeout, 0);
        assert!(rest.check().is_err(), "it goes on");
        rest.learn(&Ok(()));
        assert!(rest.check().is_ok());
        learn(&rest, ErrorKind::Timeout, 0);
        assert!(rest.check().is_ok(), "counted from nothing again");
    }
}
