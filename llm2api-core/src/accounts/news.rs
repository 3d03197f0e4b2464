//! What other servers have changed, and what the store has lost.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::Duration;

use futures::future;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::book::Page;
use super::handle::Accounts;
use super::keep::TICK;
use crate::credential::Record;
use crate::error::Result;
use crate::metrics::CREDENTIAL;
use crate::store::Inserted;

/// How often is asked what other servers have counted.
const COUNTS: Duration = Duration::from_secs(30);

impl Accounts {
    /// Takes up what other servers have changed.
    pub(super) async fn take_news(&self) {
        if self.shared.parts.vault.places().is_none() {
            return future::pending().await;
        }
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut counts_taken = Instant::now();
        loop {
            tick.tick().await;
            if let Err(error) = self.take_news_once().await {
                tracing::debug!(%error, "the store has no news to give");
            } else if counts_taken.elapsed() >= COUNTS {
                counts_taken = Instant::now();
                if let Ok(counts) = self.shared.parts.vault.counts(CREDENTIAL).await {
                    self.take_counts(&counts);
                }
            }
        }
    }

    async fn take_news_once(&self) -> Result<()> {
        let Self { shared } = self;
        let since = *shared.version.lock().unwrap_or_else(PoisonError::into_inner);
        let news = self.note_store(shared.parts.vault.changes(since).await)?;
        // First: what was removed meanwhile must not be put back.
        for id in &news.removed {
            self.drop_here(id);
        }
        if news.reset {
            self.put_back(&news.changed).await?;
        }
        for record in news.changed {
            let id = record.credential.id().clone();
            let known = shared.parts.pool.credential(&id);
            match shared.book.get(&id).zip(known) {
                Some((_, known)) if known.material() == record.credential.material() => {
                    self.go_by(&id, record.profile);
                    shared.parts.pool.adopt(&id, &record.health);
                }
                _ => {
                    let Record { profile, health, .. } = record.clone();
                    self.admit(vec![record]);
                    // A known account with another secret keeps the health that it had here.
                    self.go_by(&id, profile);
                    shared.parts.pool.adopt(&id, &health);
                }
            }
        }
        *shared.version.lock().unwrap_or_else(PoisonError::into_inner) = news.version;
        Ok(())
    }

    /// The store may have lost something: it gets back what is known here.
    async fn put_back(&self, there: &[Record]) -> Result<()> {
        let Self { shared } = self;
        let there: HashSet<_> = there.iter().map(|record| record.credential.id()).collect();
        let mut missing = 0;
        self.name_secrets_anew();
        for id in shared.book.ids().iter().filter(|id| !there.contains(id)) {
            let _turn = shared.changing.take(id).await;
            let known = shared.book.get(id).zip(shared.parts.pool.credential(id));
            let Some((page, credential)) = known else { continue };
            let health = shared.parts.pool.health_to_keep(id).map(|(health, _)| health);
            let record = Record::new(credential, page.profile, health.unwrap_or_default());
            match self.note_store(shared.parts.vault.put_back(&record).await)? {
                Inserted::New => missing += 1,
                Inserted::Duplicate(other) if other == *id => {}
                // Removed meanwhile, or added again under another id.
                Inserted::Duplicate(_) | Inserted::Missing => self.drop_here(id),
            }
        }
        if missing > 0 {
            tracing::warn!(accounts = missing, "the store had lost accounts; they were put back");
        }
        Ok(())
    }

    /// The key of fingerprints may have gone with the rest, and another taken its place.
    fn name_secrets_anew(&self) {
        let Self { shared } = self;
        for id in shared.book.ids() {
            let known = shared.book.get(&id).zip(shared.parts.pool.credential(&id));
            let Some((page, credential)) = known else { continue };
            let fingerprint = self.fingerprint(&credential);
            if fingerprint != page.fingerprint {
                shared.book.put(id, Page { fingerprint, ..page });
            }
        }
    }
}
