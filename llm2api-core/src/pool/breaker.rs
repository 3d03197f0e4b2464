//! Leaves an upstream alone while it is out, and tries it again from time to time.

use std::time::Duration;

use tokio::time::Instant;

use super::rules::PoolRules;
use crate::error::ErrorKind;

/// To try whether somebody listens costs nobody anything: it is done this often at least.
const UNREACHABLE: Duration = Duration::from_secs(8);

/// Whether calls may go to an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// They may.
    Open,
    /// One may, to try it.
    Trial,
    /// None may until then; with none, until the trial under way has ended.
    Shut(Option<Instant>),
}

/// The breaker of one upstream.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    out: Option<Out>,
}

#[derive(Debug)]
struct Out {
    kind: ErrorKind,
    since: Instant,
    until: Instant,
    pause: Duration,
    on_trial: bool,
}

impl Breaker {
    /// Says whether a call may go.
    pub(super) fn gate(&self, now: Instant) -> Gate {
        match &self.out {
            None => Gate::Open,
            Some(out) if now < out.until => Gate::Shut(Some(out.until)),
            Some(out) if out.on_trial => Gate::Shut(None),
            Some(_) => Gate::Trial,
        }
    }

    /// Returns why the upstream is out.
    pub(super) fn kind(&self) -> Option<ErrorKind> {
        self.out.as_ref().map(|out| out.kind)
    }

    /// Returns since when the upstream is out.
    pub(super) fn out_since(&self) -> Option<Instant> {
        self.out.as_ref().map(|out| out.since)
    }

    /// Leaves the upstream alone: for `pause`, else for a time that doubles while it stays out.
    pub(super) fn shut(
        &mut self,
        kind: ErrorKind,
        pause: Option<Duration>,
        now: Instant,
        rules: &PoolRules,
    ) {
        let (pause, until) = match (&self.out, pause) {
            // Calls that were under way when it was shut tell nothing new, but may name a time.
            (Some(out), pause) if now < out.until || !out.on_trial => {
                let named = pause.map_or(now, |pause| now + pause);
                (out.pause, out.until.max(named))
            }
            (_, Some(pause)) => (pause, now + pause),
            (Some(out), None) => {
                let longest = match kind {
                    ErrorKind::Connect => rules.probe_after_max.min(UNREACHABLE),
                    _ => rules.probe_after_max,
                };
                let pause = (out.pause * 2).min(longest);
                (pause, now + pause)
            }
            (None, None) => (rules.probe_after, now + rules.probe_after),
        };
        let since = self.out.as_ref().map_or(now, |out| out.since);
        self.out = Some(Out { kind, since, until, pause, on_trial: false });
    }

    /// Notes that the trial call goes out.
    pub(super) fn begin_trial(&mut self) {
        if let Some(out) = &mut self.out {
            out.on_trial = true;
        }
    }

    /// The trial call has ended without an answer to the question: another may go.
    pub(super) fn end_trial(&mut self) {
        if let Some(out) = &mut self.out {
            out.on_trial = false;
        }
    }

    /// The upstream works again.
    pub(super) fn worked(&mut self) {
        self.out = None;
    }
}

#[cfg(test)]
mod tests;
