//! Has the code checked from time to time, and keeps the gate.

#[cfg(test)]
mod tests;

use std::future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join3;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::authorisation::Authorisation;
use super::case::Case;
use super::gate::{Access, Gate, Keeper};
use super::memory::Memory;
use super::standing::{AGAIN, LOOK, Terms};
use super::status::AuthStatus;
use super::verify::Verdict;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Store, Vault};

/// A start, or a reload, waits no longer for an authority. The task asks it again at once then, with
/// more patience.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// Watches the authorisation of a client, which has one or has none. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    memory: Memory,
    keeper: Keeper,
    gate: Gate,
    case: Mutex<Option<Case>>,
    /// Tells the task that something is different.
    news: watch::Sender<()>,
}

/// What a client is to be authorised by, checked and not yet in force.
#[derive(Debug)]
pub(crate) struct Prepared(Next);

#[derive(Debug)]
enum Next {
    /// Nothing.
    None,
    /// The same as now, by these figures.
    Terms(Terms),
    /// This.
    Case(Box<Case>),
}

impl Monitor {
    /// Makes a monitor that has nothing to watch.
    pub(crate) fn new(store: Arc<dyn Store>, vault: Vault) -> Self {
        let (keeper, gate) = Gate::new(Access::Open);
        let (memory, news) = (Memory::new(store, vault), watch::Sender::new(()));
        Self { shared: Arc::new(Shared { memory, keeper, gate, case: Mutex::default(), news }) }
    }

    /// Returns the gate that calls pass.
    pub(crate) fn gate(&self) -> Gate {
        self.shared.gate.clone()
    }

    /// Says how the authorisation stands; none where there is none.
    pub(crate) fn status(&self) -> Option<AuthStatus> {
        self.case().as_ref().map(Case::status)
    }

    /// Checks a code for the first time, and watches it from now on.
    ///
    /// # Errors
    /// [`ErrorKind::AuthInvalid`] for a definite no, [`ErrorKind::Configuration`],
    /// [`ErrorKind::Store`].
    pub(crate) async fn begin(
        &self,
        wanted: Option<Authorisation>,
        interval: Option<Duration>,
    ) -> Result<()> {
        let prepared = self.check_new(wanted, interval).await?;
        self.follow(prepared);
        // At once: a process may be gone before its tasks have begun. They try again.
        self.write().await.unwrap_or_else(|error| not_kept(&error));
        Ok(())
    }

    /// Checks a code that is to come in the place of the one that is watched, if it is another one.
    ///
    /// # Errors
    /// As [`begin`](Self::begin), and [`ErrorKind::AuthUnverified`] where nobody can say whether the
    /// code is good and chats are served as things are.
    pub(crate) async fn prepare(
        &self,
        wanted: Option<Authorisation>,
        interval: Option<Duration>,
    ) -> Result<Prepared> {
        let serves = self.case().as_ref().is_none_or(|case| case.state().serves());
        let prepared = self.check_new(wanted, interval).await?;
        match &prepared {
            Prepared(Next::Case(case)) if serves && !case.state().serves() => Err(unknown(case)),
            _ => Ok(prepared),
        }
    }

    async fn check_new(
        &self,
        wanted: Option<Authorisation>,
        interval: Option<Duration>,
    ) -> Result<Prepared> {
        let Some(wanted) = wanted else { return Ok(Prepared(Next::None)) };
        let verifier = wanted.verifier()?;
        let terms = Terms { interval, grace: wanted.grace };
        let memory = &self.shared.memory;
        let of = memory.fingerprint(&verifier.name(), &wanted.code);
        if self.case().as_ref().is_some_and(|case| case.of == of) {
            return Ok(Prepared(Next::Terms(terms)));
        }
        let mut case = Case::open(wanted, verifier, terms, memory).await?;
        if let Ok(verdict) = timeout(FIRST_ANSWER, case.asking().answer()).await {
            case.hear(verdict);
        } else {
            case.hear(Verdict::Unreachable("it did not answer within 2 s".to_owned()));
            case.check_at_once();
        }
        let Some(no) = case.definite_no() else {
            return Ok(Prepared(Next::Case(Box::new(case))));
        };
        if let Some(telling) = case.telling() {
            // Else a start with the authority away would go by the good answer from before.
            telling.tell(memory).await.map_or_else(|error| not_kept(&error), drop);
        }
        Err(no)
    }

    /// Goes by what was prepared.
    pub(crate) fn follow(&self, prepared: Prepared) {
        let mut now = self.case();
        match (prepared.0, &mut *now) {
            (Next::None, now) => *now = None,
            (Next::Case(case), now) => *now = Some(*case),
            (Next::Terms(terms), Some(case)) => case.set_terms(terms),
            (Next::Terms(_), None) => {}
        }
        drop(now);
        self.keep_gate();
        self.shared.news.send_replace(());
    }

    /// Checks at the right times and keeps the gate, until told to stop.
    pub(crate) async fn work(self, mut stopped: watch::Receiver<()>) {
        tokio::select! {
            _ = stopped.changed() => {}
            _ = join3(self.watch(), self.ask(), self.remember()) => {}
        }
    }

    /// Opens and closes the gate as time goes by: apart from the checks, which may take a while.
    async fn watch(&self) {
        let mut news = self.shared.news.subscribe();
        loop {
            let wait = self.keep_gate();
            tokio::select! { _ = news.changed() => {} () = sleep(wait) => {} }
        }
    }

    async fn ask(&self) {
        let mut news = self.shared.news.subscribe();
        loop {
            let wait = self.case().as_ref().and_then(Case::until_check);
            match wait {
                Some(Duration::ZERO) => self.check().await,
                wait => {
                    tokio::select! { _ = news.changed() => {} () = sleep_or_wait(wait) => {} }
                }
            }
        }
    }

    async fn check(&self) {
        let Some(asking) = self.case().as_ref().map(Case::asking) else { return };
        let verdict = asking.answer().await;
        if let Some(case) = self.case().as_mut().filter(|case| case.of == asking.of) {
            case.hear(verdict);
        }
        self.keep_gate();
        self.shared.news.send_replace(());
    }

    /// Has the store know what a restart must not forget; where it is away, as soon as it is back.
    async fn remember(&self) {
        let mut news = self.shared.news.subscribe();
        loop {
            let again = match self.write().await {
                Ok(()) => None,
                Err(error) => {
                    not_kept(&error);
                    Some(AGAIN)
                }
            };
            tokio::select! { _ = news.changed() => {} () = sleep_or_wait(again) => {} }
        }
    }

    async fn write(&self) -> Result<()> {
        let Some(telling) = self.case().as_ref().and_then(Case::telling) else { return Ok(()) };
        let has = telling.tell(&self.shared.memory).await?;
        let note = |case: &mut Case| case.of == telling.of && case.note_told(&telling, has);
        if self.case().as_mut().is_some_and(note) {
            self.keep_gate();
            self.shared.news.send_replace(());
        }
        Ok(())
    }

    /// Sets the gate by what is known now; returns how long that holds.
    fn keep_gate(&self) -> Duration {
        let mut now = self.case();
        let access = now.as_ref().map_or(Access::Open, Case::access);
        if access != self.shared.gate.access() {
            self.shared.keeper.set(access);
        }
        now.as_mut().map_or(LOOK, |case| {
            case.log();
            case.until_change()
        })
    }

    fn case(&self) -> MutexGuard<'_, Option<Case>> {
        // Nothing panics while it holds the lock.
        self.shared.case.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sleep_or_wait(wait: Option<Duration>) {
    match wait {
        // The wall clock may jump, and the machine may sleep.
        Some(wait) => sleep(wait.min(LOOK)).await,
        None => future::pending().await,
    }
}

fn not_kept(error: &Error) {
    tracing::warn!(%error, "what the authority said cannot be kept in the store");
}

fn unknown(case: &Case) -> Error {
    let why = case.status().message.unwrap_or_default();
    let message = format!(
        "the other authorisation code, or authority, cannot be verified now, and nothing changes: \
         reload again later; {why}"
    );
    Error::new(ErrorKind::AuthUnverified, "reload client", message)
}
