//! A store that forgets everything with the process.

mod branches;
mod counters;
mod records;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::branches::Conversations;
use self::counters::Counters;
use self::records::Shelf;
use super::{
    Branches, Count, Inserted, OutboxEntry, Point, PointsAsk, Records, Row, Sealed, Store, Swapped,
    Version,
};
use crate::credential::CredentialId;
use crate::error::Result;

/// Keeps everything in memory.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::store::{Count, MemoryStore, Store};
///
/// let store = MemoryStore::default();
/// store.add("first", &[Count::new("model:llama", "requests", 2)], &[]).await?;
/// store.add("second", &[Count::new("model:llama", "requests", 3)], &[]).await?;
/// assert_eq!(store.counts("model:").await?[0].value, 5);
/// # Ok(()) }
/// ```
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    conversations: Conversations,
    counters: Counters,
    shelf: Shelf,
}

#[derive(Default)]
struct State {
    rows: HashMap<CredentialId, Row>,
    /// Who has what must be unique.
    owners: HashMap<Unique, CredentialId>,
    values: HashMap<String, Vec<u8>>,
    outbox: BTreeMap<String, Sealed>,
}

/// What only one row of an upstream may have.
#[derive(PartialEq, Eq, Hash)]
enum Unique {
    Secret(String, String),
    Account(String, String),
}

impl Unique {
    fn of(row: &Row) -> impl Iterator<Item = Self> {
        let secret = Self::Secret(row.upstream.clone(), row.fingerprint.clone());
        let account = row.account.clone();
        let account = account.map(|account| Self::Account(row.upstream.clone(), account));
        [secret].into_iter().chain(account)
    }
}

impl State {
    /// Returns the row, other than that with the same id, which has what must be unique of `row`.
    fn same(&self, row: &Row) -> Option<CredentialId> {
        let mut owners = Unique::of(row).filter_map(|unique| self.owners.get(&unique));
        owners.find(|owner| **owner != row.id).cloned()
    }

    fn put(&mut self, row: Row) {
        self.take(&row.id.clone());
        self.owners.extend(Unique::of(&row).map(|unique| (unique, row.id.clone())));
        self.rows.insert(row.id.clone(), row);
    }

    fn take(&mut self, id: &CredentialId) -> Option<Row> {
        let row = self.rows.remove(id)?;
        for unique in Unique::of(&row) {
            self.owners.remove(&unique);
        }
        Some(row)
    }
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loses everything, as a server without a disk does.
    #[cfg(test)]
    pub(crate) fn lose(&self) {
        *self.state() = State::default();
        self.counters.lose();
        self.shelf.lose();
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.state().rows.len();
        f.debug_struct("MemoryStore").field("rows", &rows).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn rows(&self) -> Result<(Vec<Row>, Version)> {
        Ok((self.state().rows.values().cloned().collect(), Version::default()))
    }

    async fn insert(&self, row: &Row) -> Result<Inserted> {
        let mut state = self.state();
        let known = state.rows.contains_key(&row.id).then(|| row.id.clone());
        if let Some(id) = known.or_else(|| state.same(row)) {
            return Ok(Inserted::Duplicate(id));
        }
        state.put(row.clone());
        Ok(Inserted::New)
    }

    async fn replace(&self, row: &Row) -> Result<Inserted> {
        let mut state = self.state();
        if let Some(id) = state.same(row) {
            return Ok(Inserted::Duplicate(id));
        }
        let Some(kept) = state.rows.get(&row.id) else { return Ok(Inserted::Missing) };
        let (profile, health) = (kept.profile.clone(), kept.health.clone());
        state.put(Row { profile, health, ..row.clone() });
        Ok(Inserted::New)
    }

    async fn set_account(&self, id: &CredentialId, account: &str) -> Result<Inserted> {
        let mut state = self.state();
        let Some(kept) = state.rows.get(id) else { return Ok(Inserted::Missing) };
        let row = Row { account: Some(account.to_owned()), ..kept.clone() };
        if let Some(id) = state.same(&row) {
            return Ok(Inserted::Duplicate(id));
        }
        state.put(row);
        Ok(Inserted::New)
    }

    async fn set_profile(
        &self,
        id: &CredentialId,
        expected: &str,
        profile: &str,
    ) -> Result<Swapped> {
        Ok(match self.state().rows.get_mut(id) {
            None => Swapped::Missing,
            Some(row) if row.profile != expected => Swapped::Other(row.profile.clone()),
            Some(row) => {
                profile.clone_into(&mut row.profile);
                Swapped::Done
            }
        })
    }

    async fn set_health(&self, health: &[(CredentialId, String)]) -> Result<()> {
        let mut state = self.state();
        for (id, health) in health {
            if let Some(row) = state.rows.get_mut(id) {
                row.health.clone_from(health);
            }
        }
        Ok(())
    }

    async fn remove(&self, id: &CredentialId) -> Result<bool> {
        Ok(self.state().take(id).is_some())
    }

    async fn reseal(&self, id: &CredentialId, old: &Sealed, new: &Sealed) -> Result<bool> {
        let mut state = self.state();
        let row = state.rows.get_mut(id).filter(|row| row.sealed == *old);
        Ok(row.map(|row| row.sealed = new.clone()).is_some())
    }

    async fn value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.state().values.get(name).cloned())
    }

    async fn set_value(&self, name: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<bool> {
        let mut state = self.state();
        if state.values.get(name).map(Vec::as_slice) != expected {
            return Ok(false);
        }
        state.values.insert(name.to_owned(), value.to_vec());
        Ok(true)
    }

    async fn add(&self, batch: &str, counts: &[Count], points: &[Point]) -> Result<()> {
        self.counters.add(batch, counts, points);
        Ok(())
    }

    async fn forget(&self, series: &str) -> Result<()> {
        self.counters.forget(series);
        Ok(())
    }

    async fn counts(&self, prefix: &str) -> Result<Vec<Count>> {
        Ok(self.counters.counts(prefix))
    }

    async fn points(&self, ask: &PointsAsk) -> Result<Vec<Point>> {
        Ok(self.counters.points(ask))
    }

    async fn put_outbox(&self, entry: &OutboxEntry) -> Result<()> {
        self.state().outbox.insert(entry.id.clone(), entry.sealed.clone());
        Ok(())
    }

    async fn remove_outbox(&self, ids: &[String]) -> Result<()> {
        let mut state = self.state();
        for id in ids {
            state.outbox.remove(id);
        }
        Ok(())
    }

    async fn outbox(&self) -> Result<Vec<OutboxEntry>> {
        let entry = |(id, sealed): (&String, &Sealed)| OutboxEntry {
            id: id.clone(),
            sealed: sealed.clone(),
        };
        Ok(self.state().outbox.iter().map(entry).collect())
    }

    /// There is none: no process comes after this one.
    async fn take_outbox(&self) -> Result<Vec<OutboxEntry>> {
        Ok(Vec::new())
    }

    fn branches(&self) -> Option<&dyn Branches> {
        Some(self)
    }

    fn records(&self) -> Option<&dyn Records> {
        Some(self)
    }

    fn outlives_process(&self) -> bool {
        false
    }
}
