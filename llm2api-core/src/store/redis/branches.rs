//! Conversations that several servers go on with.

use std::time::Duration;

use ::redis::ScriptInvocation;
use async_trait::async_trait;

use super::super::branches::MOST_BRANCHES;
use super::super::{Branch, Branches, Collection, Held, Hold, KeptConversation, OutboxEntry};
use super::RedisStore;
use super::holdings::LEASE;
use super::outbox::{encode, entries};
use super::places::millis;
use crate::credential::CredentialId;
use crate::error::Result;

#[async_trait]
impl Branches for RedisStore {
    async fn remember(
        &self,
        kept: &KeptConversation,
        branch: &Branch,
        hold: Option<&Hold>,
    ) -> Result<bool> {
        let KeptConversation { id, owner, conversation, sealed } = kept;
        let mut script = self.scripts.remember.arg(self.places.server());
        script.arg(id).arg(owner.as_str()).arg(conversation).arg(encode(sealed));
        script.arg(&branch.key).arg(&branch.message);
        script.arg(branch.thread.as_deref().unwrap_or_default()).arg(MOST_BRANCHES);
        if let Some(hold) = hold {
            add_hold(&mut script, hold);
        }
        self.link.run_now(&script).await
    }

    async fn hold(&self, hold: &Hold, lease: Duration) -> Result<Held> {
        let mut script = self.scripts.hold.arg(&hold.branch);
        script.arg(&hold.token).arg(millis(lease));
        let found: Vec<String> = self.link.run_now(&script).await?;
        Ok(match <[String; 3]>::try_from(found) {
            Ok([id, conversation, message]) => Held::Yes { id, conversation, message },
            Err(mut found) => found.pop().map_or(Held::Unknown, Held::Busy),
        })
    }

    async fn renew_holds(&self, holds: &[Hold], lease: Duration) -> Result<()> {
        self.set_holds(holds, false, lease).await
    }

    async fn release(&self, hold: &Hold, rest: Duration) -> Result<()> {
        self.set_holds(std::slice::from_ref(hold), true, rest).await
    }

    async fn give_up(&self, hold: &Hold) -> Result<Vec<OutboxEntry>> {
        let mut script = self.scripts.give_up.arg(self.places.server());
        script.arg(millis(LEASE));
        add_hold(&mut script, hold);
        self.moved(&script).await
    }

    async fn collect(&self, which: &Collection) -> Result<Vec<OutboxEntry>> {
        let mut script = self.scripts.collect.arg(self.places.server());
        let owner = which.owner.as_ref().map_or("", CredentialId::as_str);
        script.arg(millis(LEASE)).arg(owner).arg(millis(which.unused_for));
        script.arg(which.spare).arg(which.at_most).arg(u8::from(which.held_too));
        self.moved(&script).await
    }

    async fn owner_of(&self, thread: &str) -> Result<Option<CredentialId>> {
        let script = self.scripts.owner_of.arg(thread);
        let owner: Option<String> = self.link.run_now(&script).await?;
        Ok(owner.map(CredentialId::from_text))
    }

    async fn conversations(&self) -> Result<Vec<KeptConversation>> {
        let script = self.scripts.conversations.prepare_invoke();
        let all: Vec<(String, String, String, Vec<u8>)> = self.link.run_now(&script).await?;
        let kept = |(id, owner, conversation, entry): (String, String, String, Vec<u8>)| {
            let OutboxEntry { id, sealed } = entries(vec![(id, entry)]).pop()?;
            let owner = CredentialId::from_text(owner);
            Some(KeptConversation { id, owner, conversation, sealed })
        };
        Ok(all.into_iter().filter_map(kept).collect())
    }
}

impl RedisStore {
    async fn set_holds(&self, holds: &[Hold], ends: bool, time: Duration) -> Result<()> {
        let mut script = self.scripts.set_holds.arg(u8::from(ends));
        script.arg(millis(time));
        for hold in holds {
            add_hold(&mut script, hold);
        }
        self.link.run_now(&script).await
    }

    async fn moved(&self, script: &ScriptInvocation<'_>) -> Result<Vec<OutboxEntry>> {
        self.link.run_now(script).await.map(entries)
    }
}

/// Adds what a script finds a held conversation by.
fn add_hold(script: &mut ScriptInvocation<'_>, hold: &Hold) {
    let id = hold.id.as_deref().unwrap_or_default();
    script.arg(&hold.branch).arg(id).arg(&hold.token);
}
