//! What outlives a process: credentials with their health, counters, and a few small values.
//!
//! One engine a file, all of which pass one suite. An engine keeps texts and sealed bytes and
//! understands neither: [`Vault`] seals, opens and names.

mod branches;
mod figures;
mod keyring;
mod memory;
#[cfg(test)]
pub(crate) mod moody;
mod points;
mod records;
#[cfg(feature = "redis")]
mod redis;
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;
mod usage;
mod vault;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use branches::{Branch, Branches, Collection, Held, Hold, KeptConversation, MOST_BRANCHES};
pub use keyring::Keyring;
pub use memory::MemoryStore;
pub use points::{Point, PointsAsk, Span};
pub use records::{AuditEntry, Listing, MOST_AUDIT_ENTRIES, RecordChange, Records};
pub use row::{Changes, Count, Inserted, KeyId, OutboxEntry, Row, Sealed, Swapped, Version};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use usage::{Correction, Short, Spend, Spent, Usage};
pub(crate) use vault::Conversation;
pub use vault::{Fingerprint, KeptCleanup, RecordChanges, Rotated, Vault};

use crate::credential::CredentialId;
use crate::error::Result;

/// Batches that a store which nobody shares remembers: more than one server has on its way.
pub const MOST_BATCHES: usize = 2000;

/// Keeps what the engine must not lose.
///
/// Once a method that writes returns, what it wrote is kept. Every method may fail with
/// [`ErrorKind::Store`](crate::ErrorKind::Store) and then has changed nothing; where the store is at
/// the other end of a network, a change may be made all the same although nobody heard of it.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// Returns all rows, with the version up to which they are known.
    async fn rows(&self) -> Result<(Vec<Row>, Version)>;

    /// Returns what has changed after `since`.
    ///
    /// A store that only this process writes to never has news.
    async fn changes(&self, since: Version) -> Result<Changes> {
        Ok(Changes::none(since))
    }

    /// Adds a row, unless the store has its fingerprint or its account at the same upstream.
    async fn insert(&self, row: &Row) -> Result<Inserted>;

    /// Adds a row that the store had before and has lost, unless it was removed since.
    ///
    /// A store that only this process writes to loses none by itself.
    async fn put_back(&self, row: &Row) -> Result<Inserted> {
        self.insert(row).await
    }

    /// Puts another secret, fingerprint and account in the place of those that the row's id has;
    /// refuses like [`insert`](Self::insert) what another row has.
    async fn replace(&self, row: &Row) -> Result<Inserted>;

    /// Notes whose account a row is, unless another row of the upstream has that.
    async fn set_account(&self, id: &CredentialId, account: &str) -> Result<Inserted>;

    /// Puts `profile` in the place of `expected`, if that is what the row has.
    async fn set_profile(
        &self,
        id: &CredentialId,
        expected: &str,
        profile: &str,
    ) -> Result<Swapped>;

    /// Changes the health of several rows at once; passes over those that are gone.
    async fn set_health(&self, health: &[(CredentialId, String)]) -> Result<()>;

    /// Forgets a row; says whether it was there.
    async fn remove(&self, id: &CredentialId) -> Result<bool>;

    /// Puts `new` in the place of `old`, if the row still holds `old`; says whether it did.
    async fn reseal(&self, id: &CredentialId, old: &Sealed, new: &Sealed) -> Result<bool>;

    /// Returns a small value by name.
    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Sets a small value if it still is `expected`; says whether it did.
    async fn set_value(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<bool>;

    /// Adds to counters and points, all or none. A batch of a name that was added of late is not
    /// added again: within the last hour, or among the last [`MOST_BATCHES`].
    ///
    /// It drops points that are more than [`Span::kept`] spans older than the newest of their span
    /// in the batch, a few spans later at the latest; where several servers share the store, those
    /// of a series to which nothing happens any more have an hour, or a day, longer.
    async fn add(&self, batch: &str, counts: &[Count], points: &[Point]) -> Result<()>;

    /// Forgets the counters and the points of a series.
    async fn forget(&self, series: &str) -> Result<()>;

    /// Returns all counters whose series begins with `prefix`.
    async fn counts(&self, prefix: &str) -> Result<Vec<Count>>;

    /// Returns the points that are asked for: by series as asked, then by time. Spans in which
    /// nothing happened are left out.
    async fn points(&self, ask: &PointsAsk) -> Result<Vec<Point>>;

    /// Keeps an entry of the outbox, in the place of one with its id.
    ///
    /// It outlives the process. A power cut may undo it: calls wait for this, and not for a disk.
    async fn put_outbox(&self, entry: &OutboxEntry) -> Result<()>;

    /// Removes entries of the outbox that this store put or took; passes over those that are gone.
    async fn remove_outbox(&self, ids: &[String]) -> Result<()>;

    /// Returns the whole outbox, whoever is at work on it.
    async fn outbox(&self) -> Result<Vec<OutboxEntry>>;

    /// Takes over the entries that nobody is at work on any more, each once: those that a process
    /// before this one left, and those of servers that are gone.
    async fn take_outbox(&self) -> Result<Vec<OutboxEntry>>;

    /// Returns the places that several servers share; none where this process is alone.
    fn places(&self) -> Option<Arc<dyn Places>> {
        None
    }

    /// Returns where several servers count what subjects use; none where this process is alone.
    fn usage(&self) -> Option<Arc<dyn Usage>> {
        None
    }

    /// Returns where conversations are kept for later requests; none where they are not.
    fn branches(&self) -> Option<&dyn Branches> {
        None
    }

    /// Returns where client keys and authorisation codes are kept; none where they are not.
    fn records(&self) -> Option<&dyn Records> {
        None
    }

    /// Says whether what is kept outlives the process.
    fn outlives_process(&self) -> bool {
        true
    }
}

/// The calls that several servers together may make with one credential.
///
/// A place is held under a token that grows with every place that this server was given and is good
/// for it alone (a fencing token): nobody renews or gives back what has become another's. It runs
/// out unless it is renewed: what a killed server held comes free by itself.
#[async_trait]
pub trait Places: Debug + Send + Sync + 'static {
    /// Asks for one of `limit` places at a credential.
    async fn take(&self, ask: &Ask) -> Taken;

    /// Gives a place back. It neither blocks nor spawns: [`tend`](Self::tend) does the work.
    fn give_back(&self, id: &CredentialId, token: u64);

    /// Renews what is held and gives back what was handed in, at least every [`TEND_EVERY`] and as
    /// soon as something was handed in; runs until dropped.
    async fn tend(&self);

    /// Gives everything back: this server takes no more calls.
    async fn leave(&self) {}

    /// Says how this server stands in the fleet.
    fn standing(&self) -> Standing;
}

/// What [`Places::take`] is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ask {
    /// The credential.
    pub id: CredentialId,
    /// Places that all servers share.
    pub limit: u32,
    /// Calls that may begin in any minute, over all servers; 0 for no limit.
    pub per_minute: u32,
    /// Calls that this server began there within the last minute.
    pub begun_this_minute: u32,
    /// The number of the first of these places, where all places of the upstream are numbered
    /// through in the order of the credentials' ids.
    pub places_before: u64,
    /// All places of the upstream; 0 where nobody has counted them, which is worth the trouble
    /// only for a server that stands [`Alone`](Standing::Alone).
    pub places_in_all: u64,
}

impl Ask {
    /// Asks for one of `limit` places.
    pub fn new(id: CredentialId, limit: u32) -> Self {
        Self { id, limit, per_minute: 0, begun_this_minute: 0, places_before: 0, places_in_all: 0 }
    }
}

/// What [`Places::take`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Taken {
    /// The place is held under this token.
    Place(u64),
    /// All places are taken; asking again is worth while after this time.
    Full(Duration),
}

/// How a server stands in its fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It shares everything.
    Joined,
    /// The store cannot be reached: this server goes on with what it knows, and with its share of
    /// each credential's places.
    Alone,
}

/// How often places are renewed.
pub const TEND_EVERY: Duration = Duration::from_secs(1);
