//! What is done when a turn is over: stop, if need be, then delete.

use std::time::Duration;

use tokio::time::sleep;

use super::api::Caller;
use super::guard::REST;
use super::marks::LATE;
use super::server::Server;
use super::stored::{Conversation, Progress};
use crate::clock::unix_seconds;
use crate::error::{Error, ErrorKind, Result};
use crate::upstream::{Cleanup, Run, Target};

/// A message that is on its way when its sender leaves arrives within these pauses.
const ON_ITS_WAY: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
];
/// After so many tries a conversation that cannot be read is deleted unread.
const UNREAD: u32 = 3;

impl Server {
    pub(super) async fn clean_up(&self, cleanup: &mut Cleanup) -> Result<()> {
        let session = self.sessions.of(&cleanup.credential).await;
        let credential = cleanup.credential.clone();
        let caller = Caller { session: &session, credential: &credential };
        let id = match &cleanup.target {
            Target::Named(id) => id.clone(),
            Target::Kept(id) => {
                let id = id.clone();
                return self.stop(caller, &id, cleanup).await;
            }
            Target::Unheard(marks) => return self.find_and_delete(caller, cleanup, marks).await,
            _ => return Ok(()),
        };
        self.stop(caller, &id, cleanup).await?;
        gone_is_fine(self.api.delete(caller, &id).await)
    }

    /// Deletes what nobody heard of, and goes on looking as long as it may still come into being.
    async fn find_and_delete(
        &self,
        caller: Caller<'_>,
        cleanup: &Cleanup,
        marks: &str,
    ) -> Result<()> {
        for id in self.find(caller, cleanup, marks).await? {
            // One that was named may have been written into, just before everything ended.
            let mut named = cleanup.clone();
            named.run = Run::Unsure(String::new());
            self.stop(caller, &id, &mut named).await?;
            gone_is_fine(self.api.delete(caller, &id).await)?;
        }
        let over = unix_seconds() > cleanup.ended + LATE;
        if over { Ok(()) } else { Err(may_come()) }
    }

    /// Stops a run that is under way, once, whatever the server says to it. With nothing to stop
    /// the call would kill the next run of that conversation.
    async fn stop(&self, caller: Caller<'_>, id: &str, cleanup: &mut Cleanup) -> Result<()> {
        let generation = match &cleanup.run {
            Run::Active(generation) if !is_late(cleanup, unix_seconds()) => {
                Some(generation.clone())
            }
            Run::Active(generation) | Run::Unsure(generation) => {
                match self.running(caller, id, generation, cleanup).await {
                    Err(error) if cleanup.tries >= UNREAD && error.status().is_some() => None,
                    running => running?,
                }
            }
            _ => None,
        };
        let before = std::mem::replace(&mut cleanup.run, Run::Over);
        let Some(generation) = generation else { return Ok(()) };
        match self.api.stop(caller, id, &generation).await {
            // It has not arrived.
            Err(error) if error.kind() == ErrorKind::Connect => {
                cleanup.run = match (before, &cleanup.target) {
                    // Others may be at work there by the next time.
                    (Run::Active(generation), Target::Kept(_)) => Run::Unsure(generation),
                    (before, _) => before,
                };
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Returns the generation that is under way: the one that is named, or any where none is. Where
    /// it is late, a run that the server has no name for may be another's.
    async fn running(
        &self,
        caller: Caller<'_>,
        id: &str,
        generation: &str,
        cleanup: &Cleanup,
    ) -> Result<Option<String>> {
        let family = self.probe.family(&self.api, &self.sessions, caller.credential).await?;
        let any = generation.is_empty();
        for wait in ON_ITS_WAY {
            sleep(wait).await;
            let stored = match Conversation::read(&self.api, caller, family, id).await {
                Err(error) if is_gone(&error) => return Ok(None),
                stored => stored?,
            };
            let named = stored.generation();
            if is_late(cleanup, unix_seconds()) && named.is_none() {
                return Ok(None);
            }
            let named = named.unwrap_or_default();
            let generation = if any { named } else { generation.to_owned() };
            match stored.progress(&generation) {
                Progress::None if any => return Ok(None),
                Progress::None => {}
                Progress::Running(_) => return Ok(Some(generation)),
                Progress::Over(_) => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// Says whether others may be at work by now in a conversation that stays: its rest is over.
fn is_late(cleanup: &Cleanup, now: u64) -> bool {
    let over = cleanup.ended.saturating_add(REST.as_secs());
    matches!(cleanup.target, Target::Kept(_)) && now >= over
}

fn may_come() -> Error {
    let message = "a conversation that was asked for may still be made";
    Error::new(ErrorKind::UpstreamFailed, "clean up", message)
}

fn is_gone(error: &Error) -> bool {
    error.status() == Some(404)
}

fn gone_is_fine(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if is_gone(&error) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Credential;

    #[test]
    fn a_stop_is_late_once_others_may_be_at_work() {
        let rest = REST.as_secs();
        let is_late = |target: Target, after: u64| {
            let cleanup = Cleanup::new(Credential::anonymous("up"), target);
            super::is_late(&cleanup, cleanup.ended + after)
        };
        assert!(!is_late(Target::Kept("a".into()), rest - 1));
        assert!(is_late(Target::Kept("a".into()), rest));
        assert!(!is_late(Target::Named("a".into()), rest), "nobody goes on with that one");
    }
}
