//! Conversations that are kept in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::super::branches::MOST_BRANCHES;
use super::super::{Branch, Branches, Collection, Held, Hold, KeptConversation, OutboxEntry};
use super::MemoryStore;
use crate::clock::unix_millis;
use crate::credential::CredentialId;
use crate::error::Result;

/// All conversations, and where their branches lead.
#[derive(Default)]
pub(super) struct Conversations {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    by_owner: HashMap<CredentialId, HashMap<String, Entry>>,
    owners: HashMap<String, CredentialId>,
    branches: HashMap<String, Place>,
    threads: HashMap<String, (CredentialId, String)>,
    /// Counts uses: it says which of two was used later.
    uses: u64,
}

struct Entry {
    kept: KeptConversation,
    branches: Vec<Branch>,
    used: (u64, u64),
    holder: String,
    until: u64,
}

struct Place {
    owner: CredentialId,
    id: String,
    message: String,
}

impl Inner {
    fn at(&mut self, key: &str) -> Option<&mut Entry> {
        let Place { owner, id, .. } = self.branches.get(key)?;
        self.by_owner.get_mut(owner)?.get_mut(id)
    }

    /// Returns the conversation that is held so.
    fn held(&mut self, hold: &Hold) -> Option<&mut Entry> {
        let entry = match &hold.id {
            Some(id) => self.by_owner.get_mut(self.owners.get(id)?)?.get_mut(id),
            None => self.at(&hold.branch),
        };
        entry.filter(|entry| entry.holder == hold.token)
    }

    fn next_use(&mut self) -> (u64, u64) {
        self.uses += 1;
        (unix_millis(), self.uses)
    }

    fn add(&mut self, kept: &KeptConversation, branch: &Branch) {
        let used = self.next_use();
        let entries = self.by_owner.entry(kept.owner.clone()).or_default();
        let entry = entries.entry(kept.id.clone()).or_insert_with(|| Entry {
            kept: kept.clone(),
            branches: Vec::new(),
            used,
            holder: String::new(),
            until: 0,
        });
        entry.kept.sealed = kept.sealed.clone();
        entry.branches.push(branch.clone());
        (entry.used, entry.until) = (used, 0);
        entry.holder.clear();
        let (owner, id) = (kept.owner.clone(), kept.id.clone());
        self.owners.insert(id.clone(), owner.clone());
        if let Some(thread) = &branch.thread {
            self.threads.insert(thread.clone(), (owner.clone(), id.clone()));
        }
        let message = branch.message.clone();
        self.branches.insert(branch.key.clone(), Place { owner, id, message });
    }

    fn remove(&mut self, owner: &CredentialId, id: &str) -> Option<OutboxEntry> {
        let entries = self.by_owner.get_mut(owner)?;
        let Entry { kept, branches, .. } = entries.remove(id)?;
        self.owners.remove(id);
        if entries.is_empty() {
            self.by_owner.remove(owner);
        }
        for Branch { key, thread, .. } in branches {
            // The key, or the thread, may be another conversation's by now.
            if self.branches.get(&key).is_some_and(|place| place.id == id) {
                self.branches.remove(&key);
            }
            let is_here =
                |thread: &String| self.threads.get(thread).is_some_and(|(_, at)| at == id);
            if let Some(thread) = thread.filter(is_here) {
                self.threads.remove(&thread);
            }
        }
        Some(OutboxEntry { id: kept.id, sealed: kept.sealed })
    }

    /// Names those that a collection is about, the one that was not used for longest first.
    fn wanted(&self, which: &Collection) -> Vec<(CredentialId, String)> {
        let now = unix_millis();
        let is_one = |owner: &CredentialId| which.owner.as_ref().is_none_or(|one| one == owner);
        let wanted = self.by_owner.iter().filter(|(owner, _)| is_one(owner));
        let mut all: Vec<_> = wanted.flat_map(|(_, entries)| entries.values()).collect();
        all.sort_by_key(|entry| entry.used);
        all.truncate(all.len().saturating_sub(which.spare));
        let old = now.saturating_sub(millis(which.unused_for));
        let is_free = |entry: &&Entry| which.held_too || entry.until <= now;
        let free = all.into_iter().filter(is_free).filter(|entry| entry.used.0 <= old);
        let most = if which.at_most == 0 { usize::MAX } else { which.at_most };
        free.take(most).map(|entry| (entry.kept.owner.clone(), entry.kept.id.clone())).collect()
    }
}

impl Conversations {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Branches for MemoryStore {
    async fn remember(
        &self,
        kept: &KeptConversation,
        branch: &Branch,
        hold: Option<&Hold>,
    ) -> Result<bool> {
        let mut inner = self.conversations.inner();
        if let Some(hold) = hold {
            let entry = inner.held(hold).filter(|entry| entry.kept.id == kept.id);
            if entry.is_none_or(|entry| entry.branches.len() >= MOST_BRANCHES) {
                return Ok(false);
            }
        }
        inner.add(kept, branch);
        self.state().outbox.remove(&kept.id);
        Ok(true)
    }

    async fn hold(&self, hold: &Hold, lease: Duration) -> Result<Held> {
        let mut inner = self.conversations.inner();
        let (now, used) = (unix_millis(), inner.next_use());
        let Some(entry) = inner.at(&hold.branch) else { return Ok(Held::Unknown) };
        if entry.until > now {
            return Ok(Held::Busy(entry.kept.id.clone()));
        }
        (entry.holder, entry.until, entry.used) = (hold.token.clone(), now + millis(lease), used);
        let KeptConversation { id, conversation, .. } = entry.kept.clone();
        let message = inner.branches.get(&hold.branch).map(|place| place.message.clone());
        Ok(Held::Yes { id, conversation, message: message.unwrap_or_default() })
    }

    async fn renew_holds(&self, holds: &[Hold], lease: Duration) -> Result<()> {
        let mut inner = self.conversations.inner();
        for hold in holds {
            if let Some(entry) = inner.held(hold) {
                entry.until = unix_millis() + millis(lease);
            }
        }
        Ok(())
    }

    async fn release(&self, hold: &Hold, rest: Duration) -> Result<()> {
        if let Some(entry) = self.conversations.inner().held(hold) {
            entry.holder.clear();
            entry.until = unix_millis() + millis(rest);
        }
        Ok(())
    }

    async fn give_up(&self, hold: &Hold) -> Result<Vec<OutboxEntry>> {
        let mut inner = self.conversations.inner();
        let kept = inner.held(hold).map(|entry| entry.kept.clone());
        let removed = kept.and_then(|kept| inner.remove(&kept.owner, &kept.id));
        Ok(self.move_to_outbox(removed.into_iter().collect()))
    }

    async fn collect(&self, which: &Collection) -> Result<Vec<OutboxEntry>> {
        let mut inner = self.conversations.inner();
        let wanted = inner.wanted(which);
        let removed = wanted.iter().filter_map(|(owner, id)| inner.remove(owner, id)).collect();
        Ok(self.move_to_outbox(removed))
    }

    async fn owner_of(&self, thread: &str) -> Result<Option<CredentialId>> {
        Ok(self.conversations.inner().threads.get(thread).map(|(owner, _)| owner.clone()))
    }

    async fn conversations(&self) -> Result<Vec<KeptConversation>> {
        let inner = self.conversations.inner();
        let all = inner.by_owner.values().flat_map(HashMap::values);
        Ok(all.map(|entry| entry.kept.clone()).collect())
    }
}

impl MemoryStore {
    fn move_to_outbox(&self, entries: Vec<OutboxEntry>) -> Vec<OutboxEntry> {
        let mut state = self.state();
        for OutboxEntry { id, sealed } in &entries {
            state.outbox.insert(id.clone(), sealed.clone());
        }
        entries
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}
