//! Conversations that later requests go on with: named by keyed hashes, kept with a sealed clean-up.

use std::sync::PoisonError;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::super::{Branch, Branches, Collection, Held, Hold, KeptConversation};
use super::{KeptCleanup, Vault};
use crate::credential::{Credential, CredentialId};
use crate::error::Result;
use crate::hex::hex;

/// A conversation as it is to be kept: its clean-up's id, whose it is, its id at the upstream, and
/// its clean-up as the engine writes it.
#[derive(Debug)]
pub(crate) struct Conversation<'a> {
    pub(crate) id: &'a str,
    pub(crate) credential: &'a Credential,
    pub(crate) name: &'a str,
    pub(crate) details: &'a str,
}

impl Vault {
    /// Says whether conversations can be kept here at all, and whether they outlive this process.
    pub(crate) fn keeps_conversations(&self) -> (bool, bool) {
        (self.branches().is_some(), self.inner.store.outlives_process())
    }

    /// Names what was said, by its hash, so that nobody who reads the store can guess it.
    pub(crate) fn branch_name(&self, said: &[u8]) -> String {
        // Nothing panics while it writes.
        let key = self.inner.fingerprint_key.read().unwrap_or_else(PoisonError::into_inner);
        // HMAC takes keys of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("a key of any length");
        mac.update(b"branch");
        mac.update(said);
        hex(&mac.finalize().into_bytes())
    }

    /// Keeps a branch of a conversation; see [`Branches::remember`].
    pub(crate) async fn remember(
        &self,
        conversation: Conversation<'_>,
        branch: &Branch,
        hold: Option<&Hold>,
    ) -> Result<bool> {
        let Some(branches) = self.branches() else { return Ok(false) };
        let Conversation { id, credential, name, details } = conversation;
        let kept = KeptConversation {
            id: id.to_owned(),
            owner: credential.id().clone(),
            conversation: name.to_owned(),
            sealed: self.seal_cleanup(id, credential, details)?,
        };
        branches.remember(&kept, branch, hold).await
    }

    /// Asks for the conversation of a branch.
    pub(crate) async fn hold(&self, hold: &Hold, lease: Duration) -> Result<Held> {
        match self.branches() {
            Some(branches) => branches.hold(hold, lease).await,
            None => Ok(Held::Unknown),
        }
    }

    /// Holds on to conversations.
    pub(crate) async fn renew_holds(&self, holds: &[Hold], lease: Duration) -> Result<()> {
        match self.branches() {
            Some(branches) if !holds.is_empty() => branches.renew_holds(holds, lease).await,
            _ => Ok(()),
        }
    }

    /// Ends a hold; nobody gets another before `rest` is over.
    pub(crate) async fn release(&self, hold: &Hold, rest: Duration) -> Result<()> {
        match self.branches() {
            Some(branches) => branches.release(hold, rest).await,
            None => Ok(()),
        }
    }

    /// Moves a conversation that is held into the outbox.
    pub(crate) async fn give_up(&self, hold: &Hold) -> Result<Vec<KeptCleanup>> {
        match self.branches() {
            Some(branches) => Ok(self.open_or_forget(branches.give_up(hold).await?).await),
            None => Ok(Vec::new()),
        }
    }

    /// Moves conversations into the outbox.
    pub(crate) async fn collect(&self, which: &Collection) -> Result<Vec<KeptCleanup>> {
        match self.branches() {
            Some(branches) => Ok(self.open_or_forget(branches.collect(which).await?).await),
            None => Ok(Vec::new()),
        }
    }

    /// Returns the credential that answered a thread last, if its conversation is kept.
    pub(crate) async fn owner_of(&self, thread: &str) -> Result<Option<CredentialId>> {
        match self.branches() {
            Some(branches) => branches.owner_of(thread).await,
            None => Ok(None),
        }
    }

    /// Returns all conversations that are kept.
    pub(crate) async fn conversations(&self) -> Result<Vec<KeptConversation>> {
        match self.branches() {
            Some(branches) => branches.conversations().await,
            None => Ok(Vec::new()),
        }
    }

    fn branches(&self) -> Option<&dyn Branches> {
        self.inner.store.branches()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{Keyring, MemoryStore, Store};

    #[tokio::test]
    async fn what_is_kept_opens_after_any_number_of_rotations() {
        let folder = tempfile::tempdir().expect("a folder");
        let keyring = Keyring::file(folder.path().join("master.key")).expect("a keyring");
        let store = Arc::new(MemoryStore::default());
        let vault = Vault::open(store.clone(), keyring).await.expect("a vault");
        let credential = Credential::parse("up", "hf-chat=canary").expect("a cookie");
        let (id, details) = ("a", "delete it");
        let conversation = Conversation { id, credential: &credential, name: "66f", details };
        let branch = Branch { key: vault.branch_name(b"said"), message: "m".into(), thread: None };
        assert!(vault.remember(conversation, &branch, None).await.expect("kept"));
        for _ in 0..4 {
            vault.rotate().await.expect("rotated");
        }
        assert_eq!(vault.branch_name(b"said"), branch.key, "it is found under the same name");
        assert_ne!(vault.branch_name(b"other"), branch.key);
        let kept = vault.collect(&Collection::default()).await.expect("collected");
        let [kept] = kept.try_into().expect("one");
        assert_eq!((kept.id.as_str(), kept.details.as_str()), ("a", "delete it"));
        assert_eq!(kept.credential.material(), credential.material());
        assert_eq!(store.outbox().await.expect("entries").len(), 1);
    }
}
