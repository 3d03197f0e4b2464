//! What one server holds, and how it stands with the store.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::{Ask, Taken};
use super::share::{self, Rank};
use crate::credential::CredentialId;

/// How long a place is held that nobody renews.
pub(super) const LEASE: Duration = Duration::from_secs(15);
/// Where all places are taken nobody says when one comes free: looking again costs one script.
const LOOK_AGAIN: std::ops::Range<u64> = 25..75;
/// More doubts than this are not remembered: the rest run out.
const MOST_DOUBTS: usize = 10_000;

/// A place that goes back.
#[derive(Clone, Debug)]
pub(super) struct Back {
    pub(super) id: CredentialId,
    pub(super) token: u64,
    /// False where no call was made: then it does not count for the minute either.
    pub(super) begun: bool,
}

/// How a server stands with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contact {
    Good,
    Lost,
    /// The store is back since then. Others may share again already, and some may not be back yet:
    /// what Redis says and this server's share hold, both.
    Settling(Instant),
}

/// What this server holds.
#[derive(Debug)]
pub(super) struct Holdings {
    /// The tokens that this server holds, by credential.
    held: HashMap<CredentialId, Vec<u64>>,
    /// Places that Redis may think are held, since it was asked and did not answer in time. A
    /// question that it finds later still counts, so this is said for as long as a lease lives.
    pub(super) doubtful: Vec<Doubt>,
    pub(super) rank: Rank,
    pub(super) contact: Contact,
}

/// A place that Redis may think is held.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) place: Back,
    until: Option<Instant>,
}

impl Holdings {
    pub(super) fn doubt(&mut self, places: impl IntoIterator<Item = Back>) {
        let doubts = places.into_iter().map(|place| Doubt { place, until: None });
        self.doubtful.extend(doubts);
        let surplus = self.doubtful.len().saturating_sub(MOST_DOUBTS);
        self.doubtful.drain(..surplus);
    }

    /// Redis has heard of them all.
    pub(super) fn doubts_are_told(&mut self) {
        let now = Instant::now();
        self.doubtful.retain_mut(|doubt| *doubt.until.get_or_insert(now + LEASE) > now);
    }

    pub(super) fn hold(&mut self, id: &CredentialId, token: u64) {
        let tokens = self.held.entry(id.clone()).or_default();
        if !tokens.contains(&token) {
            tokens.push(token);
        }
    }

    pub(super) fn let_go(&mut self, id: &CredentialId, token: u64) {
        let Some(tokens) = self.held.get_mut(id) else { return };
        tokens.retain(|held| *held != token);
        if tokens.is_empty() {
            self.held.remove(id);
        }
    }

    /// Decides about a place, which it holds under this token then; none where Redis decides.
    pub(super) fn decide(&mut self, ask: &Ask, token: u64) -> Option<Taken> {
        match (self.contact, self.is_beyond_share(ask)) {
            (Contact::Good, _) => None,
            // Held while Redis is asked, so that no other call takes the same part of the share.
            (Contact::Settling(_), None) => {
                self.hold(&ask.id, token);
                None
            }
            (Contact::Lost, None) => {
                self.hold(&ask.id, token);
                Some(Taken::Place(token))
            }
            (_, Some(wait)) => Some(Taken::Full(wait)),
        }
    }

    /// Says how long to wait where this server has its share already.
    fn is_beyond_share(&self, ask: &Ask) -> Option<Duration> {
        let per_minute = share::per_minute(ask, self.rank);
        if ask.places_in_all == 0 || self.held_at(&ask.id) >= share::places(ask, self.rank) {
            return Some(look_again());
        }
        let full = per_minute > 0 && ask.begun_this_minute >= per_minute;
        full.then_some(Duration::from_secs(1))
    }

    fn held_at(&self, id: &CredentialId) -> u32 {
        let held = self.held.get(id).map_or(0, Vec::len);
        u32::try_from(held).unwrap_or(u32::MAX)
    }

    pub(super) fn all_held(&self) -> impl Iterator<Item = (&CredentialId, u64)> {
        self.held.iter().flat_map(|(id, tokens)| tokens.iter().map(move |token| (id, *token)))
    }
}

impl Default for Holdings {
    fn default() -> Self {
        let rank = Rank { number: 0, of: 1 };
        Self { held: HashMap::new(), doubtful: Vec::new(), rank, contact: Contact::Good }
    }
}

/// Returns when to look again, so that servers do not fall into step.
pub(super) fn look_again() -> Duration {
    Duration::from_millis(fastrand::u64(LOOK_AGAIN))
}
