//! An answer that goes on where its connection broke.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, Stream};
use tokio::time::{Instant, Sleep, sleep};

use super::api::{Caller, EVENTS};
use super::config::Family;
use super::guard::TurnGuard;
use super::input::Ended;
use super::server::Server;
use super::session::Session;
use super::stored::{Conversation, Progress, StoredAnswer};
use super::turn::Turn;
use crate::chat::ChatItem;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, LIVENESS_TIMEOUT, Result};
use crate::http::BodyStream;
use crate::upstream::decode::Answer;

/// Attempts in a row that get nowhere.
const ATTEMPTS: u32 = 5;
/// Pause before the second of them, doubling, with jitter.
const PAUSE: Duration = Duration::from_millis(100);
/// Pauses between two looks at a stored message, doubling.
const LOOKS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Looks for what is either there soon or not at all.
const FEW_LOOKS: u32 = 2;
/// After silence a server has this long to show that the generation goes on: most likely it hangs.
const AFTER_SILENCE: Duration = Duration::from_secs(2);

/// Where a turn runs.
#[derive(Clone)]
pub(super) struct Thread {
    pub(super) server: Arc<Server>,
    pub(super) session: Session,
    pub(super) credential: Credential,
    pub(super) conversation: String,
    pub(super) generation: String,
    pub(super) family: Family,
}

/// With what an answer goes on.
enum Resumed {
    /// The record of its generation.
    Record(BodyStream),
    /// The message as it was stored in the end.
    Stored(StoredAnswer),
}

/// The answer of one turn.
///
/// The generation goes on at the server when a connection breaks: its record is read from there on,
/// or the stored message where there is no record. No second generation is asked for.
pub(super) struct Resuming {
    answer: Answer<Turn>,
    thread: Thread,
    guard: TurnGuard,
    /// Why the connection was lost: what the caller is told if nothing helps.
    lost: Option<Error>,
    resumed: Option<BoxFuture<'static, Result<Resumed>>>,
    attempts: u32,
    /// How far the turn had got when it was last resumed.
    progress: u64,
    /// It has to have got further by then.
    hurry: Option<Pin<Box<Sleep>>>,
}

impl Resuming {
    /// Begins to read, or to resume where the connection was `lost` before the answer's head came.
    pub(super) fn new(
        answer: Answer<Turn>,
        thread: Thread,
        guard: TurnGuard,
        lost: Option<Error>,
    ) -> Self {
        let mut this = Self {
            answer,
            thread,
            guard,
            lost: None,
            resumed: None,
            attempts: 0,
            progress: 0,
            hurry: None,
        };
        if let Some(error) = lost {
            this.begin(error);
        }
        this
    }

    /// Says whether what ended the answer may be made up for.
    fn may_resume(&mut self) -> bool {
        let turn = &self.answer.decoder;
        if turn.run_is_over() || !turn.is_readable() || !self.answer.is_lost() {
            return false;
        }
        let progress = self.answer.decoder.progress();
        if progress > self.progress {
            (self.progress, self.attempts) = (progress, 0);
        }
        self.attempts < ATTEMPTS
    }

    fn begin(&mut self, error: Error) {
        tracing::debug!(%error, "resuming an answer");
        if error.code() == LIVENESS_TIMEOUT && self.hurry.is_none() {
            self.hurry = Some(Box::pin(sleep(AFTER_SILENCE)));
        }
        self.lost.get_or_insert(error);
        let pause = match self.attempts {
            0 => Duration::ZERO,
            attempts => PAUSE.mul_f64(f64::from(1 << attempts) * (0.5 + fastrand::f64() / 2.0)),
        };
        self.attempts += 1;
        let (turn, thread) = (&self.answer.decoder, self.thread.clone());
        let (after, ended) = (turn.resume_after(), turn.record_ended());
        let resume = async move {
            sleep(pause).await;
            thread.resume(after, ended).await
        };
        self.resumed = Some(resume.boxed());
    }

    /// Goes on with what was found.
    fn go_on(&mut self, found: Result<Resumed>) -> Result<()> {
        match found {
            Ok(Resumed::Record(body)) => {
                self.guard.runs();
                self.answer.decoder.read_record();
                self.answer.go_on(Some(body));
                Ok(())
            }
            Ok(Resumed::Stored(stored)) => {
                self.answer.go_on(None);
                self.answer.decoder.take_stored(stored)
            }
            Err(error) if self.attempts < ATTEMPTS && is_passing(&error) => {
                self.begin(error);
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%error, "an answer cannot be resumed");
                self.guard.is_lost();
                Err(self.lost.take().unwrap_or(error))
            }
        }
    }

    /// Is ready when a server that had gone silent has shown no life.
    fn poll_too_late(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatItem>>> {
        let Some(hurry) = &mut self.hurry else { return Poll::Pending };
        if self.answer.decoder.progress() > self.progress {
            self.hurry = None;
            return Poll::Pending;
        }
        ready!(hurry.as_mut().poll(cx));
        (self.hurry, self.resumed) = (None, None);
        self.guard.is_lost();
        let lost = self.lost.take().unwrap_or_else(no_life);
        Poll::Ready(Some(Err(self.answer.fail(lost))))
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatItem>>> {
        loop {
            if let Some(resumed) = &mut self.resumed {
                let found = match resumed.poll_unpin(cx) {
                    Poll::Ready(found) => found,
                    Poll::Pending => {
                        let stalled = ready!(self.answer.poll_stalled(cx));
                        self.resumed = None;
                        return Poll::Ready(Some(Err(self.answer.fail(stalled))));
                    }
                };
                self.resumed = None;
                if let Err(error) = self.go_on(found) {
                    return Poll::Ready(Some(Err(self.answer.fail(error))));
                }
                continue;
            }
            match ready!(Pin::new(&mut self.answer).poll_next(cx)) {
                Some(Err(error)) if self.may_resume() => self.begin(error),
                next => return Poll::Ready(next),
            }
        }
    }
}

impl Stream for Resuming {
    type Item = Result<ChatItem>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = match self.poll_answer(cx) {
            Poll::Pending => ready!(self.poll_too_late(cx)),
            Poll::Ready(next) => next,
        };
        if self.answer.decoder.run_is_over() {
            self.guard.ran();
        }
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
    matches!(
        error.kind(),
        Kind::Connect
            | Kind::ConnectionReset
            | Kind::UpstreamIncomplete
            | Kind::UpstreamFailed
            | Kind::UpstreamBusy
            | Kind::Timeout
    )
}

impl Thread {
    /// Asks for the record, unless it has ended without saying how the answer does; else for what
    /// is stored.
    async fn resume(self, after: u64, ended: Option<Ended>) -> Result<Resumed> {
        let Self { server, session, credential, conversation, generation, family } = &self;
        let caller = Caller { session, credential };
        if ended.is_none() && matches!(family, Family::V2 { .. }) {
            let record = server.api.reattach(caller, conversation, generation, after).await;
            match record {
                Ok(record) if record.media_type() == EVENTS => {
                    return Ok(Resumed::Record(record.into_stream()));
                }
                // A page: this server has no such path.
                Ok(_) => {}
                Err(error) if error.status() == Some(404) => {}
                Err(error) => return Err(error),
            }
        }
        self.stored(ended).await.map(Resumed::Stored)
    }

    /// Waits until the stored message is whole, for as long as it shows that it goes on.
    async fn stored(&self, ended: Option<Ended>) -> Result<StoredAnswer> {
        let Self { server, session, credential, conversation, generation, family } = self;
        let caller = Caller { session, credential };
        let (mut pause, longest) = LOOKS;
        let (mut looks, mut seen, mut since) = (0, None, Instant::now());
        loop {
            let stored = Conversation::read(&server.api, caller, *family, conversation).await?;
            let signs = match stored.progress(generation) {
                Progress::Over(answer) => return Ok(answer),
                Progress::Running(signs) => Some(signs),
                Progress::None => None,
            };
            // What never arrived will not, and a generation that has ended writes no more.
            looks += u32::from(signs.is_none() || ended == Some(Ended::Otherwise));
            if signs != seen {
                (seen, since) = (signs, Instant::now());
            }
            if looks == FEW_LOOKS || since.elapsed() > server.limits.liveness_timeout {
                let message = "the stored message does not become whole";
                return Err(Error::new(ErrorKind::UpstreamProtocol, "resume", message));
            }
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }
}
