//! How a conversation is known again whose id nobody heard.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::api::Caller;
use super::config::Family;
use super::guard::title;
use super::server::Server;
use super::stored::Conversation;
use super::wire::{Listed, Listing, Superjson};
use crate::clock::unix_seconds;
use crate::error::Result;
use crate::upstream::Cleanup;

/// The title of a conversation that nobody has written into.
const NEW: &str = "New Chat";
/// The clock that makes ids may differ from the one that dates answers, in seconds.
const SLACK: u64 = 2;
/// Longest time between our asking for a conversation and its being made, in seconds.
const LATE: u64 = 90;
/// A call that lives has named its conversation by this age, in seconds.
const NAMED_BY: u64 = 3;
/// Pages of 30 conversations that are looked through.
const PAGES: usize = 3;

/// What a conversation was asked for with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Marks {
    model: String,
    /// A hash of the system prompt, which may be long and is nobody's business.
    system: String,
}

impl Marks {
    pub(super) fn new(model: &str, system: &str) -> Self {
        Self { model: model.to_owned(), system: hash(system) }
    }

    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Server {
    /// Finds the conversations that a clean-up may be about.
    ///
    /// What bears its title is ours. Before it was given one, it is known by being empty, made with
    /// our prompt for our model, in the seconds in which we asked, and named by no call: an
    /// account's owner leaves no such conversation, as the pages of chat-ui make one only to write
    /// into it.
    pub(super) async fn find(
        &self,
        caller: Caller<'_>,
        cleanup: &Cleanup,
        marks: &str,
    ) -> Result<Vec<String>> {
        let Ok(marks) = serde_json::from_str::<Marks>(marks) else { return Ok(Vec::new()) };
        let family = self.probe.family(&self.api, &self.sessions, caller.credential).await?;
        let titled = title(&cleanup.id);
        let mut found = Vec::new();
        for page in 0..PAGES {
            let (listed, more, date) = self.list(caller, family, page).await?;
            for one in listed {
                let may_be = one.title == titled
                    || one.title == NEW
                        && is_of_that_time(&one, cleanup, date)
                        && !self.outbox.knows(&cleanup.credential, &one.id).await;
                if may_be && self.is_it(caller, family, &one.id, &marks).await? {
                    found.push(one.id);
                }
            }
            if !more {
                break;
            }
        }
        Ok(found)
    }

    /// Reads a page of the list; says whether there is another, and what time it is at the server.
    async fn list(
        &self,
        caller: Caller<'_>,
        family: Family,
        page: usize,
    ) -> Result<(Vec<Listed>, bool, u64)> {
        let path = match family {
            Family::V2 { .. } => format!("/api/v2/conversations?p={page}"),
            Family::Y2024 => "/api/conversations".to_owned(),
        };
        let response = self.api.ask(caller, &path).await?;
        let date = response.date().unwrap_or_else(unix_seconds);
        Ok(match family {
            Family::V2 { .. } => {
                let list: Superjson<Listing> = self.api.read(response).await?;
                (list.json.conversations, list.json.has_more, date)
            }
            Family::Y2024 => (self.api.read(response).await?, false, date),
        })
    }

    async fn is_it(
        &self,
        caller: Caller<'_>,
        family: Family,
        id: &str,
        marks: &Marks,
    ) -> Result<bool> {
        let stored = Conversation::read(&self.api, caller, family, id).await?;
        Ok(stored.is_untouched(&marks.model, |text| hash(text) == marks.system))
    }
}

/// Ids begin with the second in which they were made, in hex, by the server's clock.
fn is_of_that_time(listed: &Listed, cleanup: &Cleanup, date: u64) -> bool {
    let made = listed.id.get(..8).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let begun = (cleanup.begun + date).saturating_sub(unix_seconds());
    let then = begun.saturating_sub(SLACK)..=begun + LATE;
    made.is_some_and(|made| then.contains(&made) && made + NAMED_BY <= date)
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
