//! An answer that goes on where its connection broke.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, Stream};
use tokio::time::{Sleep, sleep};

use super::guard::TurnGuard;
use super::note::Note;
use super::thread::{Resumed, Thread};
use super::turn::Turn;
use crate::chat::ChatItem;
use crate::error::{Error, ErrorKind, LIVENESS_TIMEOUT, Result};
use crate::upstream::decode::Answer;

/// Attempts in a row that fail.
const ATTEMPTS: u32 = 5;
/// Records in a row that break off and bring nothing new, as while a model thinks behind a proxy
/// that is quick to close.
const RECORDS: u32 = 60;
/// Pause before the second of them, doubling, with jitter.
const PAUSE: Duration = Duration::from_millis(100);
/// After silence a server has this long to show that the generation goes on: most likely it hangs.
const AFTER_SILENCE: Duration = Duration::from_secs(2);

/// The answer of one turn.
///
/// The generation goes on at the server when a connection breaks: its record is read from there on,
/// or the stored message where there is no record. No second generation is asked for. Where neither
/// is to be had it ends with the error that broke it; what was given nothing yet may then be asked
/// for elsewhere, and the run here is stopped.
pub(super) struct Resuming {
    answer: Answer<Turn>,
    thread: Thread,
    guard: TurnGuard,
    /// How the turn is kept for the next one, where it is to be.
    note: Option<Note>,
    /// Why the connection was lost: what the caller is told if nothing helps.
    lost: Option<Error>,
    resumed: Option<BoxFuture<'static, Result<Resumed>>>,
    attempts: u32,
    records: u32,
    /// How far the turn had got when it was last resumed, and how much had been given.
    progress: u64,
    given: u64,
    /// More has to be given by then.
    hurry: Option<Pin<Box<Sleep>>>,
}

impl Resuming {
    /// Begins to read, or to resume where the connection was `lost` before the answer's head came.
    pub(super) fn new(
        answer: Answer<Turn>,
        thread: Thread,
        guard: TurnGuard,
        note: Option<Note>,
        lost: Option<Error>,
    ) -> Self {
        let mut this = Self {
            answer,
            thread,
            guard,
            note,
            lost: None,
            resumed: None,
            attempts: 0,
            records: 0,
            progress: 0,
            given: 0,
            hurry: None,
        };
        if let Some(error) = lost {
            this.lose(error);
        }
        this
    }

    /// Says whether what ended the answer may be made up for.
    fn may_resume(&mut self) -> bool {
        let turn = &self.answer.decoder;
        if turn.run_is_over() || !turn.is_readable() || !self.answer.is_lost() {
            return false;
        }
        let progress = turn.progress();
        if progress > self.progress {
            (self.progress, self.attempts, self.records) = (progress, 0, 0);
        }
        self.attempts < ATTEMPTS && self.records < RECORDS
    }

    /// Notes why the connection was lost, and begins to resume.
    fn lose(&mut self, error: Error) {
        tracing::debug!(%error, "resuming an answer");
        // Whether the run is still under way nobody can tell from here on without asking.
        self.guard.is_lost();
        let silent = |error: &Error| error.code() == LIVENESS_TIMEOUT;
        if silent(&error) && self.hurry.is_none() {
            self.hurry = Some(Box::pin(sleep(AFTER_SILENCE)));
            self.given = self.answer.decoder.bytes_given();
        }
        if !(self.hurry.is_some() && self.lost.as_ref().is_some_and(silent)) {
            self.lost = Some(error);
        }
        self.begin();
    }

    fn begin(&mut self) {
        let pause = match self.attempts.max(self.records).min(ATTEMPTS) {
            0 => Duration::ZERO,
            before => PAUSE.mul_f64(f64::from(1 << before) * (0.5 + fastrand::f64() / 2.0)),
        };
        self.attempts += 1;
        let (turn, thread) = (&self.answer.decoder, self.thread.clone());
        let (seen, ended) = (turn.resume_after(), turn.record_ended());
        let resume = async move {
            sleep(pause).await;
            thread.resume(seen, ended).await
        };
        self.resumed = Some(resume.boxed());
    }

    /// Goes on with what was found.
    fn go_on(&mut self, found: Result<Resumed>) -> Result<()> {
        match found {
            Ok(Resumed::Record(body)) => {
                (self.attempts, self.records) = (0, self.records + 1);
                self.answer.decoder.read_record();
                self.answer.go_on(Some(body));
                Ok(())
            }
            Ok(Resumed::Stored(stored)) => {
                self.answer.go_on(None);
                self.answer.decoder.take_stored(stored)
            }
            Err(error) if self.attempts < ATTEMPTS && is_passing(&error) => {
                tracing::debug!(%error, "resuming failed, trying again");
                self.begin();
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%error, "an answer cannot be resumed");
                Err(self.told())
            }
        }
    }

    /// Returns what the caller is told.
    fn told(&mut self) -> Error {
        self.lost.take().unwrap_or_else(no_life)
    }

    /// Is ready when a server that had gone silent has shown no life.
    fn poll_too_late(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(hurry) = &mut self.hurry else { return Poll::Pending };
        if self.answer.decoder.bytes_given() > self.given {
            self.hurry = None;
            return Poll::Pending;
        }
        ready!(hurry.as_mut().poll(cx));
        Poll::Ready(self.told())
    }

    /// Waits for what the answer goes on with.
    fn poll_resumed(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(resumed) = &mut self.resumed else { return Poll::Ready(Ok(())) };
        match resumed.poll_unpin(cx) {
            Poll::Ready(found) => {
                self.resumed = None;
                Poll::Ready(self.go_on(found))
            }
            Poll::Pending => self.answer.poll_stalled(cx).map(Err),
        }
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatItem>>> {
        loop {
            if self.resumed.is_some() {
                if let Err(error) = ready!(self.poll_resumed(cx)) {
                    return Poll::Ready(Some(Err(self.end(error))));
                }
                continue;
            }
            match ready!(Pin::new(&mut self.answer).poll_next(cx)) {
                Some(Err(error)) if self.may_resume() => self.lose(error),
                next => {
                    if self.answer.is_lost() {
                        self.guard.is_lost();
                    }
                    return Poll::Ready(next);
                }
            }
        }
    }

    /// Notes that the answer is whole, and, once the caller has all of it, has that kept.
    fn keep(&mut self, is_end: bool) {
        let Some(text) = self.note.as_ref().and_then(|_| self.answer.decoder.whole_text()) else {
            return;
        };
        let Some(mut note) = self.note.take() else { return };
        note.is_whole(&self.thread, &text);
        if !is_end {
            self.note = Some(note);
            return;
        }
        let outbox = self.thread.server.outbox.clone();
        outbox.begin(note.work(self.thread.clone(), self.guard.take()));
    }

    fn end(&mut self, error: Error) -> Error {
        (self.hurry, self.resumed) = (None, None);
        self.answer.fail(error)
    }
}

impl Stream for Resuming {
    type Item = Result<ChatItem>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = match self.poll_answer(cx) {
            Poll::Ready(next) => next,
            Poll::Pending => {
                let error = ready!(self.poll_too_late(cx));
                Some(Err(self.end(error)))
            }
        };
        if self.answer.decoder.run_is_over() {
            self.guard.ran();
        }
        self.keep(next.is_none());
        Poll::Ready(next)
    }
}

fn no_life() -> Error {
    let message = "the upstream sent nothing for LIVENESS_TIMEOUT";
    Error::new(ErrorKind::UpstreamIncomplete, "resume", message).with_code(LIVENESS_TIMEOUT)
}

/// Says whether another attempt may do better.
fn is_passing(error: &Error) -> bool {
    use ErrorKind as Kind;
    let kinds = [
        Kind::Connect,
        Kind::ConnectionReset,
        Kind::UpstreamIncomplete,
        Kind::UpstreamFailed,
        Kind::UpstreamBusy,
        Kind::Timeout,
    ];
    kinds.contains(&error.kind())
}
