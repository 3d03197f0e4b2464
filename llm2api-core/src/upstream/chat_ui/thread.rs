//! Where a turn runs, and how its answer is found again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::api::{Caller, EVENTS};
use super::config::Family;
use super::input::Ended;
use super::server::Server;
use super::session::Session;
use super::stored::{Conversation, Progress, StoredAnswer};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::http::BodyStream;

/// Pauses between two looks at a stored message, doubling.
const LOOKS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Looks for a message that may be on its way, and at one whose generation has ended.
const LOOKS_FOR_NOTHING: u32 = 4;
const LOOKS_AFTER_END: u32 = 2;

/// Where a turn runs.
#[derive(Clone)]
pub(super) struct Thread {
    pub(super) server: Arc<Server>,
    pub(super) session: Session,
    pub(super) credential: Credential,
    pub(super) conversation: String,
    pub(super) generation: String,
    pub(super) family: Family,
}

/// With what an answer goes on.
pub(super) enum Resumed {
    /// The record of its generation.
    Record(BodyStream),
    /// The message as it was stored in the end.
    Stored(StoredAnswer),
}

impl Thread {
    /// Asks for the record from the number after `seen` on, unless it has ended without saying how
    /// the answer does; else for what is stored.
    pub(super) async fn resume(self, seen: u64, ended: Option<Ended>) -> Result<Resumed> {
        let Self { server, session, credential, conversation, generation, family } = &self;
        let caller = Caller { session, credential };
        if ended.is_none() && matches!(family, Family::V2 { .. }) {
            match server.api.reattach(caller, conversation, generation, seen).await {
                Ok(record) if record.media_type() == EVENTS => {
                    return Ok(Resumed::Record(record.into_stream()));
                }
                // A page: this server has no such path.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::CredentialRejected => return Err(error),
                Err(error) if error.status().is_some() => {}
                Err(error) => return Err(error),
            }
        }
        self.stored(ended).await
    }

    /// Waits until the stored message is whole, for as long as it shows that it goes on.
    async fn stored(&self, ended: Option<Ended>) -> Result<Resumed> {
        let Self { server, session, credential, conversation, generation, family } = self;
        let caller = Caller { session, credential };
        let (mut pause, longest) = LOOKS;
        let (mut looks, mut seen, mut since) = (0, None, Instant::now());
        loop {
            let stored = Conversation::read(&server.api, caller, *family, conversation).await?;
            looks += 1;
            let signs = match stored.progress(generation) {
                Progress::Over(answer) => return Ok(Resumed::Stored(answer)),
                Progress::None if looks == LOOKS_FOR_NOTHING => return Err(nothing()),
                Progress::None => None,
                Progress::Running(_) if ended == Some(Ended::Otherwise) => {
                    if looks == LOOKS_AFTER_END {
                        return Err(nothing());
                    }
                    None
                }
                Progress::Running(signs) => Some(signs),
            };
            if signs != seen {
                (seen, since) = (signs, Instant::now());
            }
            if since.elapsed() > server.limits.liveness_timeout {
                return Err(nothing());
            }
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }
}

fn nothing() -> Error {
    let message = "no message that is whole is stored";
    Error::new(ErrorKind::UpstreamProtocol, "resume", message)
}
