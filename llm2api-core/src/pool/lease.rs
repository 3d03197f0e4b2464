//! The right to use one credential for one call.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::blame::Seen;
use super::entry::{Entry, Place};
use super::group::{Group, Judgement};
use super::{Event, Route, Shared};
use crate::chat::trail::{Selection, Step, StepEnd, StepMark};
use crate::chat::{Call, ChatItem, ChatRequest, Ending, Watch};
use crate::credential::{Credential, Signal};
use crate::error::{Error, ErrorKind, Evidence};

/// Longest text that is kept of an error.
const ERROR_TEXT: usize = 300;

/// A place at a credential, given back when dropped.
///
/// A lease starts as cancelled; [`settle`](Self::settle) says how the call really went. It rides in
/// the answer's stream as a [`Watch`], so that it is held until the last byte.
pub struct Lease {
    pub(super) entry: Arc<Entry>,
    place: Place,
    /// The call tries an upstream that was out.
    probe: bool,
    /// The place among those that several servers share.
    token: Option<u64>,
    group: Arc<Group>,
    route: Route,
    pool: Arc<Shared>,
    call: Call,
    began: Instant,
    stage: Stage,
    /// How it was chosen, until that is noted.
    pub(super) selection: Option<Box<Selection>>,
    /// Where it is noted what becomes of the attempt.
    step: Option<StepMark>,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Other servers have all places.
    Refused,
    /// Other servers have not agreed yet.
    Unconfirmed,
    /// The call is on its way.
    Begun,
    /// The answer has content.
    Answering,
    /// How it went is known.
    Settled,
}

/// What a lease is made of.
pub(super) struct Grant {
    pub(super) entry: Arc<Entry>,
    pub(super) place: Place,
    pub(super) probe: bool,
    pub(super) group: Arc<Group>,
    /// How it was chosen, where that is noted.
    pub(super) selection: Option<Box<Selection>>,
}

impl Lease {
    pub(super) fn new(grant: Grant, route: &Route, pool: Arc<Shared>, call: &Call) -> Self {
        let Grant { entry, place, probe, group, selection } = grant;
        let (route, call, began) = (route.clone(), call.clone(), Instant::now());
        Self {
            entry,
            place,
            probe,
            token: None,
            group,
            route,
            pool,
            call,
            began,
            stage: Stage::Unconfirmed,
            selection,
            step: None,
        }
    }

    /// Notes the place among those that several servers share. The call begins here.
    pub(super) fn begin(&mut self, token: Option<u64>) {
        (self.token, self.stage) = (token, Stage::Begun);
        self.began = Instant::now();
        self.entry.tally.begin();
        self.group.tally.begin();
    }

    /// Notes from here on, in the trail of the call, what becomes of the attempt.
    pub(crate) fn note_step(&mut self) {
        let Some(trail) = self.call.trail() else { return };
        self.step = Some(trail.begin_step(Step {
            upstream: self.route.upstream.clone(),
            model: self.route.model.clone(),
            credential: self.entry.credential.id().shared(),
            aside: self.call.is_aside(),
            trace: self.call.attempt_trace(),
            at: trail.at(self.began),
            first_content: None,
            ended: None,
            end: StepEnd::Running,
            next: None,
        }));
    }

    /// Notes that other servers have all places: what is given back here is of use to nobody.
    pub(super) fn refuse(&mut self) {
        self.stage = Stage::Refused;
    }

    pub(super) fn group(&self) -> &Group {
        &self.group
    }

    /// Returns the credential.
    pub fn credential(&self) -> &Credential {
        &self.entry.credential
    }

    /// Returns the upstream's name.
    pub fn upstream(&self) -> &Arc<str> {
        &self.route.upstream
    }

    /// Returns the model's name at that upstream.
    pub fn model(&self) -> &Arc<str> {
        &self.route.model
    }

    /// Draws the consequence of the call for the credential; the first ending counts.
    pub fn settle(&mut self, ending: Ending<'_>) {
        if self.stage == Stage::Settled {
            return;
        }
        match ending {
            Ending::Completed => self.worked(),
            Ending::Failed(error) => self.blame(error),
            Ending::Cancelled => {}
        }
        self.stage = Stage::Settled;
        let elapsed = self.began.elapsed();
        self.entry.tally.end(ending.outcome(), elapsed);
        self.group.tally.end(ending.outcome(), elapsed);
        if let Some(step) = &self.step {
            step.end(ending.into());
        }
    }

    /// The upstream has answered: what was on trial has passed.
    pub(super) fn worked(&mut self) {
        if self.stage >= Stage::Answering {
            return;
        }
        self.stage = Stage::Answering;
        let now = Instant::now();
        self.entry.measure(now - self.began, now);
        self.entry.tally.first_content(now - self.began);
        self.group.tally.first_content(now - self.began);
        if let Some(step) = &self.step {
            step.first_content();
        }
        self.probe = false;
        if self.group.worked(self.began) {
            self.pool.queue.tell_all(&self.group.name);
        }
        if self.place == Place::Trial {
            self.pool.learn(&self.group, &self.entry, &Signal::Worked, now);
            // What was to be found out is known: the answer goes on as any other.
            self.place = Place::Ordinary;
            self.entry.end_trial();
        }
    }

    fn blame(&mut self, error: &Error) {
        let text = format!("{}: {}", error.code(), error.message());
        self.entry.note_error(&text.chars().take(ERROR_TEXT).collect::<String>());
        let signal = Signal::of(error).filter(|_| !error.is_own_limit());
        // Whoever cannot be reached is no credential's fault, but the upstream's.
        if signal.is_none() && error.kind() != ErrorKind::Connect {
            return;
        }
        let now = Instant::now();
        let seen = Seen {
            at: now,
            credential: self.entry.credential.id().shared(),
            kind: error.kind(),
            named: error.retry_after(),
        };
        let probe = std::mem::take(&mut self.probe);
        match self.group.judge(seen, probe, &self.pool.terms().rules) {
            Judgement::Own => {
                signal.inspect(|signal| self.penalise(signal, now));
            }
            Judgement::Incident(forgiven) => {
                tracing::warn!(upstream = %self.route.upstream, code = error.code(),
                    "several credentials fail alike: the upstream is left alone for a while");
                forgiven.iter().for_each(|entry| self.pool.changed(entry));
                // Those who wait for the upstream learn until when it is out.
                self.pool.queue.tell_all(&self.group.name);
            }
        }
        if let Evidence::Suspect | Evidence::Rejected = error.kind().verdict().evidence {
            self.pool.send(Event::Suspect(self.entry.credential.id().clone()));
        }
    }

    /// Lets the credential rest, unless another already does for this call, or it is the last one
    /// and the evidence is weak.
    fn penalise(&self, signal: &Signal, now: Instant) {
        let id = self.entry.credential.id();
        let spared = signal.is_weak() && self.group.is_last(&self.entry, now);
        if !spared && self.call.may_blame(id.as_str()) {
            let rests = self.pool.learn(&self.group, &self.entry, signal, now);
            if rests {
                self.call.blame(id.shared());
            }
        }
    }
}

impl Watch for Lease {
    fn item(&mut self, item: &ChatItem) {
        if self.stage < Stage::Answering && item.has_content() {
            self.worked();
        }
    }

    fn end(&mut self, ending: Ending<'_>) {
        self.settle(ending);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.stage > Stage::Unconfirmed {
            self.settle(Ending::Cancelled);
            self.pool.note_hold(self.began.elapsed());
        } else {
            self.entry.has_not_begun();
        }
        if self.probe {
            self.group.end_trial();
        }
        self.entry.leave(self.place);
        if let (Some(token), Some(places)) = (self.token, self.pool.places.get()) {
            places.give_back(self.entry.credential.id(), token);
        }
        if self.stage > Stage::Refused {
            self.pool.queue.tell_one(&self.route.upstream);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("credential", self.entry.credential.id())
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

/// A request with the credential it goes out under.
///
/// Below the pool, services take attempts: an upstream cannot be called without a credential.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The request, its model named as the upstream names it.
    pub request: ChatRequest,
    /// The right to send it.
    pub lease: Lease,
}

impl Attempt {
    /// Joins a request with a lease.
    pub fn new(request: ChatRequest, lease: Lease) -> Self {
        Self { request, lease }
    }

    /// Parts the lease from what it allows to send.
    ///
    /// Whoever does this holds the lease as long as anything that was sent lives.
    pub fn into_sending(self) -> (Sending, Lease) {
        let Self { request, lease } = self;
        let (upstream, credential) = (lease.upstream().clone(), lease.credential().clone());
        (Sending { request, credential, upstream }, lease)
    }
}

/// A request on its way to an upstream, while somebody holds a [`Lease`] for it.
///
/// One lease may send more than once: where an answer is not what was demanded, the same account is
/// asked again. Only an [`Attempt`] makes one, so that nothing is sent without a lease.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sending {
    /// The request, as the upstream will get it.
    pub request: ChatRequest,
    /// The credential it goes out under.
    pub credential: Credential,
    /// The upstream's name.
    pub upstream: Arc<str>,
}
