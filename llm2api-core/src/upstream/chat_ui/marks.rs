//! How a conversation is known again whose id nobody heard.

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
    /// Finds the conversation that a clean-up is about, if it was made.
    ///
    /// What bears its title is ours. Before it was given one, it is known by being empty, made with
    /// our prompt for our model, and in the seconds in which we asked: an account's owner leaves no
    /// such conversation, as the pages of chat-ui make one only to write into it.
    pub(super) async fn find(
        &self,
        caller: Caller<'_>,
        cleanup: &Cleanup,
        marks: &str,
    ) -> Result<Option<String>> {
        let Ok(marks) = serde_json::from_str::<Marks>(marks) else { return Ok(None) };
        let family = self.probe.family(&self.api, &self.sessions, caller.credential).await?;
        let titled = title(&cleanup.id);
        for page in 0..PAGES {
            let (listed, more, ahead) = self.list(caller, family, page).await?;
            for one in listed {
                let titled = one.title == titled;
                let may_be = titled || (one.title == NEW && is_of_that_time(&one, cleanup, ahead));
                if may_be && self.is_it(caller, family, &one.id, &marks).await? {
                    return Ok(Some(one.id));
                }
            }
            if !more {
                break;
            }
        }
        Ok(None)
    }

    /// Reads a page of the list; says whether there is another, and how far the server's clock is
    /// ahead of ours, in seconds.
    async fn list(
        &self,
        caller: Caller<'_>,
        family: Family,
        page: usize,
    ) -> Result<(Vec<Listed>, bool, i64)> {
        let path = match family {
            Family::V2 { .. } => format!("/api/v2/conversations?p={page}"),
            Family::Y2024 => "/api/conversations".to_owned(),
        };
        let response = self.api.ask(caller, &path).await?;
        let ahead = response.date().unwrap_or_else(unix_seconds).cast_signed();
        let ahead = ahead.saturating_sub_unsigned(unix_seconds());
        Ok(match family {
            Family::V2 { .. } => {
                let list: Superjson<Listing> = self.api.read(response).await?;
                (list.json.conversations, list.json.has_more, ahead)
            }
            Family::Y2024 => (self.api.read(response).await?, false, ahead),
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

/// Ids begin with the second in which they were made, in hex.
fn is_of_that_time(listed: &Listed, cleanup: &Cleanup, ahead: i64) -> bool {
    let made = listed.id.get(..8).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let begun = cleanup.begun.saturating_add_signed(ahead);
    made.is_some_and(|made| (begun.saturating_sub(SLACK)..=begun + LATE).contains(&made))
}

fn hash(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
