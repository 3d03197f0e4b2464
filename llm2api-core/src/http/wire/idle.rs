//! Connections that wait for their next call.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::conn::Conn;
use super::target::Place;

/// Longer than this no connection waits: servers close theirs after a minute or so.
const LONGEST: Duration = Duration::from_secs(90);
/// Connections that wait for calls to one place.
const MOST: usize = 1024;

/// Connections that wait for their next call, by where they lead.
#[derive(Debug, Default)]
pub(super) struct Idle {
    places: Mutex<Vec<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    place: Arc<Place>,
    /// The one that has waited longest comes first.
    conns: VecDeque<(Conn, Instant)>,
}

impl Idle {
    /// Takes the connection that was used last, so that those which are too many grow old.
    pub(super) fn take(&self, place: &Place) -> Option<Conn> {
        let now = Instant::now();
        loop {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = places.iter_mut().find(|waiting| waiting.place.is(place))?;
            let (mut conn, since) = waiting.conns.pop_back()?;
            let old = if now - since > LONGEST {
                std::mem::take(&mut waiting.conns)
            } else {
                VecDeque::new()
            };
            drop(places);
            // Sockets are closed without the lock.
            drop(old);
            if now - since <= LONGEST && conn.is_idle() {
                return Some(conn);
            }
        }
    }

    /// Keeps a connection for the next call.
    pub(super) fn put(&self, place: &Arc<Place>, mut conn: Conn) {
        conn.rest();
        let now = Instant::now();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let at = places.iter().position(|waiting| waiting.place.is(place)).unwrap_or_else(|| {
            places.push(Waiting { place: place.clone(), conns: VecDeque::new() });
            places.len() - 1
        });
        let conns = &mut places[at].conns;
        conns.push_back((conn, now));
        let old = count_old(conns, now).max(conns.len().saturating_sub(MOST));
        // Sockets are closed without the lock.
        let surplus: Vec<_> = conns.drain(..old).collect();
        drop(places);
        drop(surplus);
    }

    /// Closes those that have waited too long: where no call comes, nobody else does.
    pub(super) fn close_old(&self) {
        let now = Instant::now();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let mut old = Vec::new();
        for Waiting { conns, .. } in &mut *places {
            let count = count_old(conns, now);
            old.extend(conns.drain(..count));
        }
        // Sockets are closed without the lock.
        drop(places);
        drop(old);
    }
}

fn count_old(conns: &VecDeque<(Conn, Instant)>, now: Instant) -> usize {
    conns.partition_point(|(_, since)| now - *since > LONGEST)
}
