//! Those who wait for a place: first come, first served, and each may leave at any time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::Route;

/// The calls that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<VecDeque<Arc<Waiter>>>,
    tickets: AtomicU64,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    upstreams: Vec<Arc<str>>,
    /// Somebody has told it to look, and it has not looked yet.
    told: AtomicBool,
    notify: Notify,
}

impl Waiter {
    fn wants(&self, upstream: &str) -> bool {
        self.upstreams.iter().any(|wanted| **wanted == *upstream)
    }

    fn tell(&self) {
        self.told.store(true, Ordering::Release);
        self.notify.notify_one();
    }
}

/// A place in the queue, given up when dropped.
#[derive(Debug)]
pub(super) struct Ticket<'a> {
    queue: &'a Queue,
    waiter: Arc<Waiter>,
}

impl Queue {
    /// Says whether somebody waits for one of these.
    pub(super) fn is_wanted(&self, routes: &[Route]) -> bool {
        let wants = |waiter: &Arc<Waiter>| routes.iter().any(|route| waiter.wants(&route.upstream));
        self.list().iter().any(wants)
    }

    pub(super) fn len(&self) -> usize {
        self.list().len()
    }

    /// Joins the end of the queue; none where `limit` wait already.
    pub(super) fn join(&self, routes: &[Route], limit: usize) -> Option<Ticket<'_>> {
        let mut waiting = self.list();
        if waiting.len() >= limit {
            return None;
        }
        let waiter = Arc::new(Waiter {
            number: self.tickets.fetch_add(1, Ordering::Relaxed),
            upstreams: routes.iter().map(|route| route.upstream.clone()).collect(),
            told: AtomicBool::new(false),
            notify: Notify::new(),
        });
        waiting.push_back(waiter.clone());
        drop(waiting);
        Some(Ticket { queue: self, waiter })
    }

    /// Tells the first who waits for this upstream, and has not been told, to look.
    pub(super) fn tell_one(&self, upstream: &str) {
        self.tell_after(upstream, None);
    }

    /// Tells everybody who waits for this upstream to look.
    pub(super) fn tell_all(&self, upstream: &str) {
        for waiter in &*self.list() {
            if waiter.wants(upstream) {
                waiter.tell();
            }
        }
    }

    fn tell_after(&self, upstream: &str, after: Option<u64>) {
        let waiting = self.list();
        let next = waiting.iter().find(|waiter| {
            after.is_none_or(|after| waiter.number > after)
                && !waiter.told.load(Ordering::Acquire)
                && waiter.wants(upstream)
        });
        if let Some(waiter) = next {
            waiter.tell();
        }
    }

    fn list(&self) -> MutexGuard<'_, VecDeque<Arc<Waiter>>> {
        // Nothing panics while it holds the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket<'_> {
    /// Waits until told to look, or until then. Says whether it is this one's turn: it was told, or
    /// nobody who waits for the same is ahead.
    pub(super) async fn turn(&self, until: Instant) -> bool {
        let told = timeout_at(until, self.waiter.notify.notified()).await.is_ok();
        let told = self.waiter.told.swap(false, Ordering::AcqRel) || told;
        told || self.is_first()
    }

    /// Has the first who waits for the same look, and so, one after the other, those behind.
    pub(super) fn ring(&self) {
        for upstream in &self.waiter.upstreams {
            self.queue.tell_one(upstream);
        }
    }

    /// Lets those behind look: what is free may be of use to them.
    pub(super) fn pass_on(&self) {
        for upstream in &self.waiter.upstreams {
            self.queue.tell_after(upstream, Some(self.waiter.number));
        }
    }

    /// Says whether nobody who waits for the same is ahead.
    pub(super) fn is_first(&self) -> bool {
        let waiting = self.queue.list();
        let mut ahead = waiting.iter().take_while(|other| other.number < self.waiter.number);
        !ahead.any(|other| self.waiter.upstreams.iter().any(|wanted| other.wants(wanted)))
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut waiting = self.queue.list();
        if let Ok(at) = waiting.binary_search_by_key(&self.waiter.number, |waiter| waiter.number) {
            waiting.remove(at);
        }
        drop(waiting);
        // Told, and gone without looking: what came free is for the next.
        if self.waiter.told.load(Ordering::Acquire) {
            self.ring();
        }
    }
}
