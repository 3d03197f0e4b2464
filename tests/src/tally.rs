//! What each session or key did, and how much of it at the same time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;

use crate::lock::lock;

/// What one session (the cookie's value) or key did since the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Tally {
    /// Requests of any kind.
    pub requests: u64,
    /// Conversations asked for, messages sent and completions asked for, refused ones included.
    pub chats: u64,
    /// Questions who the session is.
    pub checks: u64,
    /// Message sends and completions under way; one counts until its last piece is written.
    pub sending: u64,
    /// Most of them at the same time.
    pub most_sending: u64,
}

/// What a request is, as far as tallies go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A message sent, or a completion asked for.
    Send,
    /// A conversation asked for.
    Create,
    /// A question who the session is.
    Check,
    /// Anything else.
    Other,
}

impl Sort {
    /// Whether an incident refuses it.
    pub(crate) fn is_chat(self) -> bool {
        matches!(self, Self::Send | Self::Create)
    }
}

/// The tallies of all sessions and keys; requests without one count under the empty text.
#[derive(Debug, Default)]
pub(crate) struct Tallies(Mutex<BTreeMap<String, Tally>>);

/// Counts a send as under way until it is dropped.
#[derive(Debug)]
pub(crate) struct Sending {
    tallies: Arc<Tallies>,
    credential: String,
}

impl Tallies {
    /// Counts a request; a send is under way until the guard is dropped.
    pub(crate) fn count(self: &Arc<Self>, credential: &str, sort: Sort) -> Option<Sending> {
        let mut all = lock(&self.0);
        if !all.contains_key(credential) {
            all.insert(credential.to_owned(), Tally::default());
        }
        let tally = all.get_mut(credential)?;
        tally.requests += 1;
        tally.chats += u64::from(sort.is_chat());
        tally.checks += u64::from(sort == Sort::Check);
        if sort != Sort::Send {
            return None;
        }
        tally.sending += 1;
        tally.most_sending = tally.most_sending.max(tally.sending);
        Some(Sending { tallies: Arc::clone(self), credential: credential.to_owned() })
    }

    /// A copy of all.
    pub(crate) fn copy(&self) -> BTreeMap<String, Tally> {
        lock(&self.0).clone()
    }

    /// Forgets everything but what is under way.
    pub(crate) fn clear(&self) {
        let mut all = lock(&self.0);
        all.retain(|_, tally| tally.sending > 0);
        for tally in all.values_mut() {
            let sending = tally.sending;
            *tally = Tally { sending, most_sending: sending, ..Tally::default() };
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(tally) = lock(&self.tallies.0).get_mut(&self.credential) {
            tally.sending = tally.sending.saturating_sub(1);
        }
    }
}
