//! Whoever counts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::allowance::Allowance;
use super::place::Place;
#[cfg(test)]
use super::shared::Date;
use super::shared::{Home, Shared};
use super::standing::{QuotaRefusal, QuotaStanding};
use super::ticket::Ticket;
use crate::clock::after;
use crate::store::Store;

/// A request waits no longer for the store; then this server decides alone.
const PATIENCE: Duration = Duration::from_millis(900);

/// Keeps subjects, such as client keys, to what they may use. Cloning is cheap and shares
/// everything.
///
/// - *Requests in a minute* come back one by one (GCRA): all of them may begin at once, then one
///   whenever its part of the minute has passed. No minute sees more than twice the limit.
/// - *Tokens in a day* are counted for the day, in UTC, on which their request began. A request may
///   begin as long as some are left, so the last one may exceed the limit. The estimate counts at
///   once; what was really used takes its place in the end.
/// - *Requests at the same time* run from admission until their [`Ticket`] is dropped.
///
/// They are asked in reverse: first for a place, then for tokens and a request together. Whoever is
/// refused has used nothing. A subject without limits is not counted at all, nor are the tokens of
/// one that is only limited in requests at the same time.
///
/// # Where it is counted
/// In this process, with the tokens of the day in the store: they survive a restart, up to the last
/// five seconds before a crash and what was running then. Where the store is shared by several
/// servers (Redis), they count together and exactly, by Redis's clock.
///
/// While Redis is away, each server goes on with what it heard last: with all requests of a minute,
/// all tokens that were left of the day, and its share of the places. It waits 0.9 s for an answer at
/// most, and asks again after a second. What was used meanwhile is told afterwards. A question
/// that Redis has heard but not answered in time may count the estimate twice.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::sync::Arc;
/// use llm2api_core::quota::{Allowance, Exceeded, Quotas};
/// use llm2api_core::store::MemoryStore;
///
/// let quotas = Quotas::new(Arc::new(MemoryStore::default()));
/// let allowance = Allowance { concurrency: Some(1), ..Allowance::default() };
/// let (ticket, _) = quotas.admit("key_1", &allowance, 100).await.expect("nothing runs yet");
/// let refusal = quotas.admit("key_1", &allowance, 100).await.expect_err("one runs");
/// assert_eq!(refusal.which, Exceeded::Concurrency);
/// drop(ticket);
/// assert!(quotas.admit("key_1", &allowance, 100).await.is_ok());
/// # }
/// ```
#[derive(Clone)]
pub struct Quotas {
    shared: Arc<Shared>,
}

impl Quotas {
    /// Counts in a store: with its other servers, or alone.
    ///
    /// Those of [`Client::quotas`](crate::Client::quotas) have their background work done. Without it
    /// limits hold all the same, but the store is not told what was used in the end.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { shared: Arc::new(Shared::new(store)) }
    }

    /// Goes by other dates than the machine's.
    #[cfg(test)]
    pub(super) fn with_date(store: Arc<dyn Store>, date: Date) -> Self {
        Self { shared: Arc::new(Shared::new(store).with_date(date)) }
    }

    /// Asks for one request of a subject. `estimate` is what it takes at least: the tokens of its
    /// prompt.
    ///
    /// # Errors
    /// A refusal, and then nothing is used.
    ///
    /// # Cancellation safety
    /// Dropped before its end it uses nothing. Where servers count together, what was counted for it
    /// is taken back within seconds.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::sync::Arc;
    /// use llm2api_core::quota::{Allowance, Exceeded, Quotas};
    /// use llm2api_core::store::MemoryStore;
    ///
    /// let quotas = Quotas::new(Arc::new(MemoryStore::default()));
    /// let allowance = Allowance { tokens_per_day: Some(1000), ..Allowance::default() };
    /// let (mut ticket, standing) = quotas.admit("key_1", &allowance, 300).await.expect("some left");
    /// assert_eq!(standing.tokens.expect("a limit").remaining, 700);
    /// ticket.settle(1200);
    /// drop(ticket);
    /// assert_eq!(quotas.tokens_today("key_1").await, 1200);
    /// let refusal = quotas.admit("key_1", &allowance, 300).await.expect_err("none left");
    /// assert_eq!(refusal.which, Exceeded::Tokens);
    /// # }
    /// ```
    pub async fn admit(
        &self,
        subject: &str,
        allowance: &Allowance,
        estimate: u64,
    ) -> Result<(Ticket, QuotaStanding), QuotaRefusal> {
        if allowance.is_unlimited() {
            return Ok((Ticket::uncounted(Place::Unlimited), QuotaStanding::default()));
        }
        let Self { shared } = self;
        let (subject, deadline) = (Arc::<str>::from(subject), after(PATIENCE));
        let Allowance { requests_per_minute, tokens_per_day, .. } = allowance;
        if requests_per_minute.is_none() && tokens_per_day.is_none() {
            let place = shared.enter(&subject, allowance).await?;
            return Ok((Ticket::uncounted(place), QuotaStanding::default()));
        }
        // Before a place is taken: nobody else has to wait for a slow store.
        shared.ready().await;
        let place = shared.enter(&subject, allowance).await?;
        let spent = shared.spend(&subject, allowance, estimate, deadline).await;
        match spent.short {
            Some(short) => Err(QuotaRefusal::of(short, allowance, &spent)),
            None => {
                let ticket = Ticket::counted(place, shared.clone(), subject, spent.day, estimate);
                Ok((ticket, QuotaStanding::of(allowance, &spent)))
            }
        }
    }

    /// Returns the tokens that a subject has used today, with the estimates of what runs; 0 for one
    /// whose tokens are not counted.
    pub async fn tokens_today(&self, subject: &str) -> u64 {
        let Self { shared } = self;
        shared.ready().await;
        let told = match &shared.home {
            Home::Here(_) => None,
            Home::Fleet(fleet) => fleet.used(subject, after(PATIENCE)).await,
        };
        told.unwrap_or_else(|| shared.meter().look(subject, shared.now()).tokens)
    }

    /// Does the background work until told to stop: keeps or tells what was used, last of all what
    /// was used last.
    pub(crate) async fn work(&self, stopped: watch::Receiver<()>) {
        let Self { shared } = self;
        let home = async {
            match &shared.home {
                Home::Here(keep) => keep.work(shared, stopped).await,
                Home::Fleet(fleet) => fleet.work(stopped).await,
            }
        };
        tokio::select! {
            () = home => {}
            () = shared.forget_idle() => {}
        }
    }
}

impl fmt::Debug for Quotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meter = self.shared.meter();
        f.debug_struct("Quotas")
            .field("subjects", &meter.len())
            .field("day", &meter.day())
            .field("shared", &matches!(self.shared.home, Home::Fleet(_)))
            .finish()
    }
}
