//! What one tab gets.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, stream};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::hub::Place;
use super::picture::{MOST_REQUESTS, Picture, requests_event};
use crate::admin::Pass;
use crate::state::State;

/// An open stream of events.
pub(super) struct Tab {
    place: Place,
    state: Arc<State>,
    pass: Pass,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
    /// What is to be sent; nothing is added before all of it is.
    frames: VecDeque<Bytes>,
    /// The last look that was told.
    look: u64,
    /// The look up to which the tab knows the accounts, and the requests that it knows.
    known: Option<(u64, u64)>,
}

impl Tab {
    /// Opens one for whoever has this pass.
    pub(super) fn new(place: Place, state: Arc<State>, pass: Pass) -> Self {
        let end = Box::pin(state.door.stop.drained());
        Self { place, state, pass, end, frames: VecDeque::new(), look: 0, known: None }
    }

    /// Makes the body of it. It ends with the pass, and with the server.
    pub(super) fn into_body(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        stream::unfold(self, |mut tab| async move {
            let frame = tab.next().await?;
            Some((Ok(frame), tab))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            let picture = tokio::select! {
                biased;
                () = &mut self.end => return None,
                picture = self.place.picture_after(&self.state, self.look) => picture,
            };
            if !self.state.door.admin.still_admits(&self.pass) {
                return None;
            }
            self.take(&picture);
        }
    }

    /// Takes what one look has found: what all get, where this tab has seen the look before.
    fn take(&mut self, picture: &Picture) {
        self.look = picture.look;
        self.frames.push_back(picture.stats.clone());
        let Some((look, ended)) = self.known else {
            self.known = Some((picture.look, picture.ended.1));
            return;
        };
        let (accounts, look) = match look + 1 == picture.look {
            true => (picture.accounts.clone(), picture.look),
            false => self.place.accounts_since(&self.state, look),
        };
        let (requests, ended) = match ended == picture.ended.0 {
            true => (picture.requests.clone(), picture.ended.1),
            false => self.requests_since(ended),
        };
        self.frames.extend(accounts.into_iter().chain(requests));
        self.known = Some((look, ended));
    }

    fn requests_since(&self, ended: u64) -> (Option<Bytes>, u64) {
        let (count, entries) = self.state.journal.since(ended, MOST_REQUESTS);
        (requests_event(&self.state, &entries, count - ended), count)
    }
}

#[cfg(test)]
mod tests {
    use llm2api_core::CredentialId;
    use llm2api_core::accounts::{AccountChange, NewAccount};
    use poem::http::{HeaderMap, HeaderValue, header};
    use serde_json::Value;

    use super::*;
    use crate::journal;
    use crate::routes::tests::state;

    fn tab(state: &Arc<State>) -> Tab {
        let key = HeaderValue::from_static("Bearer admin-canary");
        let pass = Pass::of(&HeaderMap::from_iter([(header::AUTHORIZATION, key)]));
        Tab::new(state.events.enter().expect("a place"), state.clone(), pass)
    }

    async fn event(tab: &mut Tab) -> (String, Value) {
        let frame = tab.next().await.expect("it goes on");
        let text = std::str::from_utf8(&frame).expect("text");
        let (name, data) = text.split_once('\n').expect("a name and data");
        let data = data.strip_prefix("data: ").expect("data");
        (name.to_owned(), serde_json::from_str(data).expect("JSON"))
    }

    /// Renames the account and waits until this tab is told.
    async fn rename(state: &State, tab: &mut Tab, id: &CredentialId, label: &str) {
        let mut change = AccountChange::default();
        change.label = Some(label.to_owned());
        state.client.accounts().update(id, change).await.expect("it is there");
        while event(tab).await.1["changed"][0]["label"] != label {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_tab_that_slept_is_told_what_holds_and_not_what_held() {
        let state = Arc::new(state(&[]).await);
        let added = state.client.accounts().add(NewAccount::new("sk-1")).await.expect("it is good");
        let (mut awake, mut asleep) = (tab(&state), tab(&state));
        for tab in [&mut awake, &mut asleep] {
            assert_eq!(event(tab).await.0, "event: stats");
        }
        for number in 0..30 {
            let entry = journal::Entry { id: format!("req_{number}"), ..journal::Entry::default() };
            state.journal.add(entry);
            rename(&state, &mut awake, &added.account.id, &format!("label {number}")).await;
        }
        assert_eq!(event(&mut asleep).await.0, "event: stats");
        assert_eq!(asleep.frames.len(), 2, "one event of each kind, however long it has slept");
        let (name, accounts) = event(&mut asleep).await;
        assert_eq!(name, "event: accounts");
        assert_eq!(accounts["changed"].as_array().map(Vec::len), Some(1));
        assert_eq!(accounts["changed"][0]["label"], "label 29");
        let (name, requests) = event(&mut asleep).await;
        assert_eq!((name.as_str(), &requests["skipped"]), ("event: requests", &5.into()));
        assert_eq!(requests["data"][0]["id"], "req_29");
    }

    #[tokio::test(start_paused = true)]
    async fn with_the_last_tab_goes_what_was_found_out_for_it() {
        let state = Arc::new(state(&[]).await);
        let (mut one, mut other) = (tab(&state), tab(&state));
        assert_eq!(event(&mut one).await.0, "event: stats");
        assert_eq!(event(&mut other).await.0, "event: stats");
        // A look that has begun, and nobody waits for.
        let _ = futures::poll!(Box::pin(one.next()));
        drop((one, other));
        assert_eq!(Arc::strong_count(&state), 1, "nothing of it holds the server");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_with_the_operators_key_and_with_the_server() {
        let state = Arc::new(state(&[]).await);
        let mut mine = tab(&state);
        assert_eq!(event(&mut mine).await.0, "event: stats");
        let mut sources = crate::config::Sources::default();
        sources.environment.insert("ADMIN_KEY".to_owned(), "another".to_owned());
        let settings = crate::config::Settings::resolve(&sources).expect("valid");
        state.door.change(&settings.config().expect("valid"));
        assert!(mine.next().await.is_none(), "the key is another one");
        let mut last = tab(&state);
        state.door.stop.drain();
        assert!(last.next().await.is_none(), "the server ends");
    }
}
