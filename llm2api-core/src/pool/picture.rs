//! What a choice saw, for the trail of the call that it was made for.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::entry::Entry;
use super::group::{Drawn, Group, is};
use super::outlook::why_not;
use super::rules::{PoolRules, Strategy};
use super::select::{self, Candidate};
use crate::chat::trail::{ChosenBy, Excluded, Selection, Trail, Weighed};
use crate::chat::{Attempted, Call};
use crate::credential::reason;

/// Credentials that are listed one by one: a choice must cost little in a pool of thousands.
const LISTED: usize = 32;

/// A picture of the credentials that a choice is made among, taken before it is made. Nothing is
/// drawn of a call without a trail.
pub(super) struct Picture<'a> {
    trail: &'a Trail,
    now: Instant,
    selection: Selection,
    candidates: Vec<(Arc<Entry>, Candidate)>,
}

impl<'a> Picture<'a> {
    pub(super) fn begin(call: &'a Call, now: Instant) -> Option<Self> {
        let trail = call.trail()?;
        let favourite = call.favourite();
        let selection = Selection {
            at: trail.at(now),
            aside: call.is_aside(),
            favourite,
            ..Selection::default()
        };
        Some(Self { trail, now, selection, candidates: Vec::new() })
    }

    /// Looks at a group, whose credentials the retry table lets be used, or not.
    pub(super) fn look(
        &mut self,
        group: &Group,
        may_try: bool,
        attempts: &[Attempted],
        rules: &PoolRules,
    ) {
        let outage = group.outage(self.now);
        let members = group.members();
        let room = LISTED.saturating_sub(self.candidates.len() + self.selection.excluded.len());
        self.selection.not_listed += members.entries.len().saturating_sub(room);
        for entry in members.entries.iter().take(room) {
            let (why, until) = if attempts.iter().any(|attempt| is(entry, attempt)) {
                ("tried before".to_owned(), None)
            } else if !may_try {
                ("no other credential may be tried after that failure".to_owned(), None)
            } else if let Some((kind, until)) = outage {
                (format!("upstream: {}", reason(kind)), Some(until))
            } else if let Some(candidate) = entry.candidate(self.now, rules) {
                self.candidates.push((entry.clone(), candidate));
                continue;
            } else {
                why_not(entry, self.now)
            };
            let until = until.map(|until| self.trail.at(until));
            let (id, upstream) = names(entry);
            self.selection.excluded.push(Excluded::new(id, upstream, why, until));
        }
    }

    /// Notes which one was taken, by what, and among which.
    pub(super) fn take(mut self, entry: &Entry, by: ChosenBy, drawn: &Drawn) -> Box<Selection> {
        let id = entry.credential.id().shared();
        // One that is used again had been tried before, and yet could be taken.
        self.selection.excluded.retain(|out| out.credential != id);
        self.selection.taken = Some(id);
        self.selection.by = Some(by);
        self.finish(drawn)
    }

    /// Notes that there was none to take.
    pub(super) fn refuse(mut self, refusal: &str) -> Box<Selection> {
        self.selection.refusal = Some(refusal.to_owned());
        self.finish(&Drawn::default())
    }

    fn finish(mut self, drawn: &Drawn) -> Box<Selection> {
        let is_drawn =
            |entry: &Arc<Entry>| drawn.iter().any(|(other, _)| Arc::ptr_eq(entry, other));
        let listed = self.candidates.len();
        for (entry, candidate) in drawn {
            if !self.candidates.iter().any(|(other, _)| Arc::ptr_eq(entry, other)) {
                self.candidates.push((entry.clone(), *candidate));
            }
        }
        let unlisted = self.candidates.len() - listed;
        self.selection.not_listed = self.selection.not_listed.saturating_sub(unlisted);
        // Those that were drawn were compared with each other, and with nobody else.
        let compared = if drawn.is_empty() { &self.candidates } else { drawn };
        let fastest = compared.iter().map(|(_, candidate)| candidate.latency).min();
        let fastest = fastest.unwrap_or_default();
        let weigh = |(entry, candidate): &(Arc<Entry>, Candidate)| {
            weighed(entry, candidate, select::cost(candidate, fastest), is_drawn(entry))
        };
        self.selection.candidates = self.candidates.iter().map(weigh).collect();
        Box::new(self.selection)
    }
}

/// What decides where nobody is preferred.
pub(super) fn decided_by(strategy: Strategy) -> ChosenBy {
    match strategy {
        Strategy::RoundRobin => ChosenBy::RoundRobin,
        Strategy::LeastLoaded => ChosenBy::LeastLoaded,
    }
}

fn names(entry: &Entry) -> (Arc<str>, Arc<str>) {
    (entry.credential.id().shared(), entry.credential.upstream().clone())
}

fn weighed(entry: &Entry, candidate: &Candidate, cost: u64, drawn: bool) -> Weighed {
    let (credential, upstream) = names(entry);
    let latency = Some(candidate.latency).filter(|latency| *latency > 0);
    Weighed {
        credential,
        upstream,
        in_flight: candidate.in_flight,
        max_concurrency: entry.max(),
        share: candidate.share,
        latency: latency.map(|micros| Duration::from_micros(micros.into())),
        turn: candidate.turn,
        cost,
        drawn,
    }
}
