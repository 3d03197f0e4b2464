//! A code, who verifies it, and how it stands.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::authorisation::{Authorisation, WallClock};
use super::code::AuthCode;
use super::gate::{Access, EXPIRED, refused};
use super::memory::Memory;
use super::standing::{Kept, Moment, Standing, Terms};
use super::status::{AuthState, AuthStatus};
use super::verifier::Verifier;
use super::verify::{Question, Verdict};
use super::words;
use crate::error::{Error, Result};

/// All that the monitor knows of the code that it watches.
pub(super) struct Case {
    /// The fingerprint of the code at whom verifies it: another one is another case.
    pub(super) of: String,
    code: AuthCode,
    verifier: Verifier,
    installation: String,
    clock: WallClock,
    terms: Terms,
    standing: Standing,
    /// What the store had when it was last looked at.
    seen: Option<Kept>,
    /// How often something was heard.
    heard: u64,
    /// Whether the store is to be told.
    due: bool,
    /// The state that was last logged.
    logged: Option<AuthState>,
}

/// A question, and whom it goes to.
pub(super) struct Asking {
    pub(super) of: String,
    verifier: Verifier,
    question: Question,
}

/// What the store is to be told.
pub(super) struct Telling {
    pub(super) of: String,
    said: Option<Kept>,
    seen: Option<Kept>,
    /// A definite word, which counts whatever the store has.
    word: bool,
    heard: u64,
}

impl Telling {
    /// Tells the store; returns what it has then.
    pub(super) async fn tell(&self, memory: &Memory) -> Result<Option<Kept>> {
        if self.word {
            return memory.write(&self.of, self.said.clone()).await.map(|()| self.said.clone());
        }
        memory.write_failure(&self.of, self.said.clone(), self.seen.as_ref()).await
    }
}

impl Asking {
    pub(super) async fn answer(&self) -> Verdict {
        self.verifier.verify(&self.question).await
    }
}

impl Case {
    /// Takes a code up with what the store has of it; nobody has been asked yet.
    pub(super) async fn open(
        wanted: Authorisation,
        verifier: Verifier,
        terms: Terms,
        memory: &Memory,
    ) -> Result<Self> {
        let of = memory.fingerprint(&verifier.name(), &wanted.code);
        let (seen, installation) = (memory.read(&of).await?, memory.installation().await?);
        let Authorisation { code, clock, .. } = wanted;
        let standing = Standing::new(seen.clone(), moment(&clock));
        let (heard, due, logged) = (0, false, None);
        Ok(Self {
            of,
            code,
            verifier,
            installation,
            clock,
            terms,
            standing,
            seen,
            heard,
            due,
            logged,
        })
    }

    /// Puts the question together that is asked now.
    pub(super) fn asking(&self) -> Asking {
        let now = moment(&self.clock).seconds();
        let question = Question::new(self.code.clone(), self.installation.clone(), now);
        Asking { of: self.of.clone(), verifier: self.verifier.clone(), question }
    }

    pub(super) fn hear(&mut self, verdict: Verdict) {
        let word = !matches!(verdict, Verdict::Unreachable(_));
        self.standing.hear(verdict, self.terms, moment(&self.clock), spread());
        self.heard += 1;
        // What others wrote since counts, but for a refusal that this server heard itself.
        self.due |= word || self.standing.denial().is_none();
    }

    pub(super) fn check_at_once(&mut self) {
        self.standing.check_at_once(moment(&self.clock));
    }

    /// Goes by other figures; a check that was settled is put off or brought forward.
    pub(super) fn set_terms(&mut self, terms: Terms) {
        if std::mem::replace(&mut self.terms, terms) != terms {
            self.standing.schedule(terms, moment(&self.clock), spread());
        }
    }

    pub(super) fn state(&self) -> AuthState {
        self.standing.state(self.terms, moment(&self.clock))
    }

    pub(super) fn access(&self) -> Access {
        words::access(&self.standing, self.terms, moment(&self.clock))
    }

    pub(super) fn until_check(&self) -> Option<Duration> {
        self.standing.until_check(moment(&self.clock))
    }

    pub(super) fn until_change(&self) -> Duration {
        self.standing.until_change(self.terms, moment(&self.clock))
    }

    /// Returns what the store is to be told, if anything is.
    pub(super) fn telling(&self) -> Option<Telling> {
        let word = self.standing.denial().is_some() || self.standing.away().is_none();
        self.due.then(|| Telling {
            of: self.of.clone(),
            said: self.standing.kept(),
            seen: self.seen.clone(),
            word,
            heard: self.heard,
        })
    }

    /// Notes what the store has after it was told. What another server wrote there meanwhile is taken
    /// over, for it was heard later; says whether this has changed how the code stands.
    pub(super) fn note_told(&mut self, told: &Telling, has: Option<Kept>) -> bool {
        let (is_last, is_ours) = (self.heard == told.heard, has == told.said);
        if !is_ours {
            if !is_last {
                return false;
            }
            let now = moment(&self.clock);
            self.standing.take_over(has.clone(), now);
            self.standing.schedule(self.terms, now, spread());
        }
        self.due = !is_last || has != self.standing.kept();
        self.seen = has;
        !is_ours
    }

    /// Returns the error of a definite no, for operators. That a code has expired by what was once
    /// said is none while nobody answers: the authority may have prolonged it.
    pub(super) fn definite_no(&self) -> Option<Error> {
        if self.standing.denial().is_none() && self.standing.away().is_some() {
            return None;
        }
        let error = refused(&words::refusal(&self.standing));
        let error = match self.state() {
            AuthState::Denied => error,
            AuthState::Expired => error.with_code(EXPIRED),
            _ => return None,
        };
        let note = self.standing.denial().and_then(|denial| denial.note.as_ref());
        Some(note.into_iter().fold(error, |error, note| error.with_context("authority", note)))
    }

    pub(super) fn status(&self) -> AuthStatus {
        let now = moment(&self.clock);
        let grant = self.standing.grant().cloned().unwrap_or_default();
        let denied = self.standing.denial().and_then(|denial| denial.note.clone());
        AuthStatus {
            state: self.standing.state(self.terms, now),
            message: words::message(&self.standing, self.terms, now),
            note: denied.or(grant.note),
            plan: grant.plan,
            holder: grant.holder,
            expires_at: grant.expires_at,
            limits: grant.limits,
            last_check: self.standing.last_check(),
            next_check: self.until_check().map(|wait| now.seconds() + wait.as_secs()),
        }
    }

    /// Says so where the state is another one than was last said.
    pub(super) fn log(&mut self) {
        let status = self.status();
        let before = self.logged.replace(status.state);
        if before == Some(status.state) {
            return;
        }
        let (state, note) = (status.state.as_str(), status.note);
        let why = status.message.unwrap_or_default();
        match status.state {
            AuthState::Verified => {
                let (plan, expires_at) = (status.plan, status.expires_at);
                tracing::info!(state, plan, expires_at, note, "the authorisation code is good");
            }
            AuthState::Grace => tracing::warn!(state, why, "the last good answer counts for now"),
            _ => tracing::error!(state, why, note, "chats are refused: the code is not verified"),
        }
    }
}

fn moment(clock: &WallClock) -> Moment {
    Moment { at: Instant::now(), wall: clock() }
}

/// Servers and restarts must not fall into step.
fn spread() -> f64 {
    0.9 + 0.2 * fastrand::f64()
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("verifier", &self.verifier)
            .field("terms", &self.terms)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}
