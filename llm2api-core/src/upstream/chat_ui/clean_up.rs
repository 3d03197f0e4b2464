//! What is done when a turn is over: stop, if need be, then delete.

use std::time::Duration;

use tokio::time::sleep;

use super::api::Caller;
use super::server::Server;
use super::stored::{Conversation, Progress};
use crate::clock::unix_seconds;
use crate::error::{Error, ErrorKind, Result};
use crate::upstream::{Cleanup, Run, Target};

/// A message that is on its way when its sender leaves arrives within this.
const ON_ITS_WAY: Duration = Duration::from_millis(250);
/// A conversation that was asked for and is not there after this, in seconds, was never made.
const MADE_BY_NOW: u64 = 10;

impl Server {
    pub(super) async fn clean_up(&self, cleanup: &mut Cleanup) -> Result<()> {
        let session = self.sessions.of(&cleanup.credential).await;
        let credential = cleanup.credential.clone();
        let caller = Caller { session: &session, credential: &credential };
        let id = match &cleanup.target {
            Target::Named(id) => id.clone(),
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
            gone_is_fine(self.api.delete(caller, &id).await)?;
        }
        let over = unix_seconds() > cleanup.begun + MADE_BY_NOW;
        if over { Ok(()) } else { Err(may_come()) }
    }

    /// Stops a run that is under way, once, whatever the server says to it. With nothing to stop
    /// the call would kill the next run of that conversation.
    async fn stop(&self, caller: Caller<'_>, id: &str, cleanup: &mut Cleanup) -> Result<()> {
        let generation = match &cleanup.run {
            Run::Active(generation) => generation.clone(),
            Run::Unsure(generation) if self.is_running(caller, id, generation).await? => {
                generation.clone()
            }
            _ => return Ok(()),
        };
        match self.api.stop(caller, id, &generation).await {
            // It has not arrived.
            Err(error) if error.kind() == ErrorKind::Connect => Err(error),
            _ => {
                cleanup.run = Run::Over;
                Ok(())
            }
        }
    }

    async fn is_running(&self, caller: Caller<'_>, id: &str, generation: &str) -> Result<bool> {
        let family = self.probe.family(&self.api, &self.sessions, caller.credential).await?;
        for wait in [Duration::ZERO, ON_ITS_WAY] {
            sleep(wait).await;
            let stored = match Conversation::read(&self.api, caller, family, id).await {
                Err(error) if is_gone(&error) => return Ok(false),
                stored => stored?,
            };
            match stored.progress(generation) {
                Progress::None => {}
                Progress::Running(_) => return Ok(true),
                Progress::Over(_) => return Ok(false),
            }
        }
        Ok(false)
    }
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
