//! What others have changed, and what the store has lost.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::book::Kept;
use super::change::change_to;
use super::handle::{COLLECTION, ClientKeys};
use crate::error::Result;
use crate::store::{Records, Swapped};

/// How often the store is asked.
const TICK: Duration = Duration::from_secs(1);
/// How often one key is tried to be put back at a time.
const MOST_TRIES: usize = 8;

impl ClientKeys {
    /// Follows the store until told to stop. While it is away, the last known keys go on.
    pub(crate) async fn work(&self, mut stopped: watch::Receiver<()>) {
        let Ok(records) = self.records() else { return };
        let following = async {
            let mut tick = interval(TICK);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                if let Err(error) = self.follow_once(records).await {
                    tracing::debug!(%error, "the store does not tell the client keys");
                }
            }
        };
        tokio::select! {
            () = following => {}
            _ = stopped.changed() => {}
        }
    }

    /// Takes up what has changed, and gives back what the store has lost.
    ///
    /// Keys are never removed, and each state of one has a number. So what is known here and not
    /// there is lost, and so is what is there in an earlier state: a store that was emptied, or set
    /// back, must not make revoked keys good.
    pub(super) async fn follow_once(&self, records: &dyn Records) -> Result<()> {
        let known = *self.shared.version.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(listing) = records.records(COLLECTION, known).await? else { return Ok(()) };
        self.take(listing.records.iter().cloned());
        let (book, there) = (self.book(), listing.records.iter());
        let there: HashMap<_, _> = there.map(|(id, text)| (id.as_str(), text)).collect();
        let mut lost = 0;
        for (id, kept) in book.iter() {
            let there = there.get(&**id).copied();
            if there != Some(&kept.text) {
                lost += u64::from(put_back(records, id, kept, there.cloned()).await?);
            }
        }
        if lost > 0 {
            tracing::warn!(keys = lost, "the store had lost client keys; they were put back");
        }
        *self.shared.version.lock().unwrap_or_else(PoisonError::into_inner) = Some(listing.version);
        Ok(())
    }
}

/// Puts a state back, unless the store has come to a later one; says whether it was lost.
async fn put_back(
    records: &dyn Records,
    id: &str,
    kept: &Arc<Kept>,
    mut there: Option<String>,
) -> Result<bool> {
    for _ in 0..MOST_TRIES {
        let change = change_to(id, there, kept.text.clone(), "key.restore", "server");
        there = match records.change_record(&change).await? {
            Swapped::Done => return Ok(true),
            Swapped::Missing => None,
            Swapped::Other(text) if kept.is_newer_than(&Kept::new(text.clone())) => Some(text),
            // Changed meanwhile: the next look brings it.
            Swapped::Other(_) => return Ok(false),
        };
    }
    Ok(false)
}
