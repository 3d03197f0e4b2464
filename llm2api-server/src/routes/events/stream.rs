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
