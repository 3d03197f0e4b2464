//! The end of it that upstreams see.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

use super::forgotten::Forgotten;
use super::holds::Holds;
use super::pending::{Guard, Name, Pending};
use super::rules::{ConversationMode, ConversationRules};
use crate::credential::{Credential, CredentialId};
use crate::error::Result;
use crate::outbox::{CleanUps, details};
use crate::store::{Branch, Collection, Conversation, Held, Hold, KeptCleanup, Vault};
use crate::upstream::{
    BranchKey, Cleanup, ConversationHold, Conversations, Expected, FoundBranch, NewBranch, Outbox,
    Target,
};

/// Who holds a conversation says so this often, and is believed for so long. A server that is gone is
/// cleaned up after by then: nobody else begins there while its run is still to be stopped.
pub(super) const RENEW: Duration = Duration::from_secs(10);
pub(super) const LEASE: Duration = Duration::from_secs(60);
/// Longest time that a request waits for the store before it gets a conversation of its own.
const PATIENCE: Duration = Duration::from_millis(250);
/// Conversations that make room for one, so that the next ones find some too.
const ROOM: usize = 4;

/// What is kept of conversations, over a store. Cloning is cheap and shares it.
#[derive(Clone)]
pub(crate) struct Keeper {
    pub(super) vault: Vault,
    pub(super) outbox: CleanUps,
    pub(super) holds: Holds,
    forgotten: Forgotten,
    pending: Pending,
    terms: Arc<RwLock<(ConversationMode, ConversationRules)>>,
    /// Other terms hold.
    pub(super) changed: Arc<Notify>,
}

impl Keeper {
    /// Keeps conversations in `vault`; those that have to go are removed by `outbox`.
    pub(crate) fn new(vault: Vault, outbox: CleanUps) -> Self {
        Self {
            vault,
            outbox,
            holds: Holds::default(),
            forgotten: Forgotten::default(),
            pending: Pending::default(),
            terms: Arc::default(),
            changed: Arc::default(),
        }
    }

    /// Returns the outbox that removes conversations.
    pub(crate) fn outbox(&self) -> &CleanUps {
        &self.outbox
    }

    /// Goes by other rules from now on.
    pub(crate) fn set_terms(&self, mode: ConversationMode, rules: ConversationRules) {
        *self.terms.write().unwrap_or_else(PoisonError::into_inner) = (mode, rules);
        self.changed.notify_one();
    }

    pub(super) fn terms(&self) -> (ConversationMode, ConversationRules) {
        *self.terms.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the credential that answered a thread last; none where the store does not tell at
    /// once, or would only say what this process knows.
    pub(crate) async fn owner_of(&self, thread: u64) -> Option<CredentialId> {
        let (_, outlives) = self.vault.keeps_conversations();
        if !(self.reuses() && outlives) {
            return None;
        }
        let asked = timeout(PATIENCE, self.vault.owner_of(&thread_name(thread))).await;
        asked.ok()?.inspect_err(|error| tracing::debug!(%error, "a thread is not found")).ok()?
    }

    /// Keeps nothing more for an account, which is gone; what is kept goes soon, or when its turn is
    /// over.
    pub(crate) fn account_is_gone(&self, owner: &CredentialId) {
        self.forgotten.add(owner);
        self.changed.notify_one();
    }

    /// Has all conversations of an account removed, which itself is gone.
    pub(crate) async fn forget_account(&self, owner: &CredentialId) {
        self.collect(&Collection { owner: Some(owner.clone()), ..Collection::default() }).await;
    }

    /// Has those removed that accounts have left which are gone.
    pub(super) async fn collect_forgotten(&self) {
        for owner in self.forgotten.all() {
            self.forget_account(&owner).await;
        }
    }

    /// Has conversations removed; says how many.
    pub(super) async fn collect(&self, which: &Collection) -> usize {
        match self.vault.collect(which).await {
            Ok(kept) => self.push(kept),
            Err(error) => {
                tracing::debug!(%error, "old conversations stay for now");
                0
            }
        }
    }

    pub(super) fn push(&self, kept: Vec<KeptCleanup>) -> usize {
        let cleanups: Vec<_> = kept.into_iter().filter_map(details::read).collect();
        let count = cleanups.len();
        cleanups.into_iter().for_each(|cleanup| self.outbox.push(cleanup));
        count
    }

    /// Takes a branch's conversation; an error says which one is busy, where one is.
    async fn try_take(
        &self,
        branch: BranchKey,
    ) -> std::result::Result<FoundBranch, Option<String>> {
        let token = Uuid::new_v4().simple().to_string();
        let taking = Taking::new(self, ConversationHold::new(branch, token));
        match timeout(PATIENCE, self.vault.hold(&taking.stored, LEASE)).await {
            Ok(Ok(Held::Yes { id, conversation, message })) => {
                let hold = taking.taken(&id);
                Ok(FoundBranch::new(id, conversation, message, hold))
            }
            Ok(Ok(held)) => {
                taking.not_taken();
                if let Held::Busy(id) = held { Err(Some(id)) } else { Err(None) }
            }
            // It may have been taken, though nobody has heard of it.
            Ok(Err(error)) => {
                tracing::debug!(%error, "kept conversations cannot be looked at");
                Err(None)
            }
            Err(_) => Err(None),
        }
    }

    /// Has a hold ended, and then what waits for it go on.
    fn let_go(&self, hold: Hold, rest: Duration, waiting: Option<Guard>) {
        let this = self.clone();
        self.holds.remove(&hold.token);
        self.outbox.begin(Box::pin(async move {
            if let Err(error) = this.vault.release(&hold, rest).await {
                tracing::debug!(%error, "a conversation is free only when its lease is over");
            }
            this.collect_forgotten().await;
            drop(waiting);
        }));
    }

    /// Names a hold for the store; its branch may be another conversation's by now, its id is not.
    fn hold(&self, hold: &ConversationHold, id: Option<&str>) -> Hold {
        let branch = self.vault.branch_name(&hold.branch.0);
        Hold { branch, id: id.map(str::to_owned), token: hold.token.clone() }
    }

    async fn keep(&self, new: &NewBranch) -> Result<bool> {
        let NewBranch { cleanup, key, message, thread, hold } = new;
        let Target::Named(conversation) = &cleanup.target else { return Ok(false) };
        let details = details::write(cleanup)?;
        let conversation = Conversation {
            id: &cleanup.id,
            credential: &cleanup.credential,
            name: conversation,
            details: &details,
        };
        let branch = Branch {
            key: self.vault.branch_name(&key.0),
            message: message.clone(),
            thread: thread.map(thread_name),
        };
        let hold = hold.as_ref().map(|hold| self.hold(hold, Some(&cleanup.id)));
        self.vault.remember(conversation, &branch, hold.as_ref()).await
    }
}

#[async_trait]
impl Conversations for Keeper {
    fn reuses(&self) -> bool {
        self.terms().0 == ConversationMode::Reuse && self.vault.keeps_conversations().0
    }

    async fn take(&self, branch: BranchKey) -> Option<FoundBranch> {
        self.pending.settled(&Name::Branch(branch)).await;
        let busy = match self.try_take(branch).await {
            Err(Some(id)) => Name::Conversation(id),
            taken => return taken.ok(),
        };
        // A turn there that is over, but for its note, is worth a moment.
        if self.pending.settled(&busy).await { self.try_take(branch).await.ok() } else { None }
    }

    fn expect(&self, branch: BranchKey, id: Option<&str>) -> Expected {
        let conversation = id.map(|id| Name::Conversation(id.to_owned()));
        Expected::new(self.pending.expect([Name::Branch(branch)].into_iter().chain(conversation)))
    }

    async fn remember(&self, branch: NewBranch) -> bool {
        let owner = branch.cleanup.credential.id().clone();
        let kept = match self.reuses() && !self.forgotten.has(&owner) {
            true => self.keep(&branch).await,
            false => Ok(false),
        };
        let kept = kept.inspect_err(|error| tracing::debug!(%error, "a turn is not kept"));
        let kept = kept.unwrap_or(false);
        if let Some(hold) = branch.hold.as_ref().filter(|_| kept) {
            self.holds.remove(&hold.token);
        }
        if self.forgotten.has(&owner) {
            // It went in this moment.
            self.forget_account(&owner).await;
        } else if kept && branch.hold.is_none() {
            let (owner, spare) = (Some(owner), self.terms().1.most_per_account);
            self.collect(&Collection { owner, spare, ..Collection::default() }).await;
        }
        kept
    }

    fn release(&self, branch: FoundBranch, rest: Duration) {
        // Whoever comes at once finds it free.
        let hold = self.hold(&branch.hold, Some(&branch.id));
        let soon = rest.is_zero().then(|| self.pending.expect([Name::Conversation(branch.id)]));
        self.let_go(hold, rest, soon);
    }

    async fn give_up(&self, branch: FoundBranch) {
        let hold = self.hold(&branch.hold, Some(&branch.id));
        // Whoever asks may leave meanwhile: then its lease runs out.
        self.holds.remove(&hold.token);
        match self.vault.give_up(&hold).await {
            Ok(kept) => drop(self.push(kept)),
            Err(error) => tracing::debug!(%error, "a conversation is not forgotten"),
        }
    }

    async fn make_room(&self, credential: &Credential) -> Vec<Cleanup> {
        let owner = Some(credential.id().clone());
        let which = Collection { owner, at_most: ROOM, ..Collection::default() };
        let kept = self.vault.collect(&which).await.unwrap_or_default();
        kept.into_iter().filter_map(details::read).collect()
    }
}

/// A hold that is asked for: dropped before the answer came, it is released in case it was given.
struct Taking<'a> {
    keeper: &'a Keeper,
    hold: ConversationHold,
    stored: Hold,
    answered: bool,
}

impl<'a> Taking<'a> {
    fn new(keeper: &'a Keeper, hold: ConversationHold) -> Self {
        let stored = keeper.hold(&hold, None);
        keeper.holds.add(&stored);
        Self { keeper, hold, stored, answered: false }
    }

    fn taken(mut self, id: &str) -> ConversationHold {
        self.answered = true;
        self.keeper.holds.add(&Hold { id: Some(id.to_owned()), ..self.stored.clone() });
        self.hold.clone()
    }

    fn not_taken(mut self) {
        self.answered = true;
        self.keeper.holds.remove(&self.stored.token);
    }
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.keeper.let_go(self.stored.clone(), Duration::ZERO, None);
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("terms", &self.terms()).finish_non_exhaustive()
    }
}

fn thread_name(thread: u64) -> String {
    format!("{thread:016x}")
}
