//! How a conversation is known again whose id nobody heard.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::api::Caller;
use super::config::Family;
use super::devalue;
use super::guard::title;
use super::server::Server;
use super::stored::Conversation;
use super::wire::{Listed, Listing, Superjson};
use crate::clock::unix_seconds;
use crate::error::Result;
use crate::hex::hex;
use crate::upstream::Cleanup;

/// The title of a conversation that nobody has written into.
const NEW: &str = "New Chat";
/// The clock that makes ids may differ from the one that dates answers, in seconds.
const SLACK: u64 = 2;
/// How long after a call is over what it asked for may still be made, in seconds.
pub(super) const LATE: u64 = 30;
/// A call that lives has named its conversation by this age, in seconds; the longer one holds where
/// some have asked and not heard yet.
const NAMED_BY: (u64, u64) = (3, 10);
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
        let claims = self.outbox.claims(&cleanup.credential).await;
        let mut found = Vec::new();
        for page in 0..PAGES {
            let List { listed, more, date } = self.list(caller, family, page).await?;
            for one in listed {
                let may_be = one.title == NEW
                    && is_of_that_time(&one, cleanup, date, claims.asking)
                    && !claims.named.contains(&one.id)
                    && self.is_it(caller, family, &one.id, &marks).await;
                if one.title == titled || may_be {
                    found.push(one.id);
                }
            }
            if !more {
                break;
            }
        }
        Ok(found)
    }

    async fn list(&self, caller: Caller<'_>, family: Family, page: usize) -> Result<List> {
        let Family::V2 { .. } = family else {
            // Its API may be switched off; the page has them all.
            let page = self.api.page(caller, "", "1").await?;
            return Ok(List { listed: devalue::listed(&page), more: false, date: unix_seconds() });
        };
        let response = self.api.ask(caller, &format!("/api/v2/conversations?p={page}")).await?;
        let date = response.date().unwrap_or_else(unix_seconds);
        let list: Superjson<Listing> = self.api.read(response).await?;
        Ok(List { listed: list.json.conversations, more: list.json.has_more, date })
    }

    /// One that cannot be read is not taken for ours.
    async fn is_it(&self, caller: Caller<'_>, family: Family, id: &str, marks: &Marks) -> bool {
        let stored = Conversation::read(&self.api, caller, family, id).await;
        let ours = |text: &str| hash(text) == marks.system;
        stored.is_ok_and(|stored| stored.is_untouched(&marks.model, ours))
    }
}

/// A page of the list, whether there is another, and what time it is at the server.
struct List {
    listed: Vec<Listed>,
    more: bool,
    date: u64,
}

/// Ids begin with the second in which they were made, in hex, by the server's clock.
fn is_of_that_time(listed: &Listed, cleanup: &Cleanup, date: u64, asking: bool) -> bool {
    let made = listed.id.get(..8).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let there = |here: u64| (here + date).saturating_sub(unix_seconds());
    let then = there(cleanup.begun).saturating_sub(SLACK)..=there(cleanup.ended) + LATE;
    let age = if asking { NAMED_BY.1 } else { NAMED_BY.0 };
    made.is_some_and(|made| then.contains(&made) && made + age <= date)
}

fn hash(text: &str) -> String {
    hex(&Sha256::digest(text))
}
