//! What subjects have used, counted by Redis for all servers.

use std::sync::Arc;
use std::time::Duration;

use ::redis::Client;
use async_trait::async_trait;

use super::super::{Correction, Short, Spend, Spent, Usage};
use super::BATCHES_LIVE;
use super::link::Link;
use super::scripts::Scripts;
use crate::error::Result;

/// A request waits no longer for a connection, or for an answer.
const PATIENCE: Duration = Duration::from_millis(700);
/// How long a day's count is kept after its last change.
const DAYS_LIVE: Duration = Duration::from_secs(48 * 3600);

/// Counts by scripts that go by Redis's clock, over a connection of its own.
#[derive(Debug)]
pub(super) struct RedisUsage {
    link: Link,
    scripts: Arc<Scripts>,
}

impl RedisUsage {
    pub(super) fn new(client: Client, scripts: Arc<Scripts>) -> Self {
        Self { link: Link::new(client, PATIENCE), scripts }
    }
}

#[async_trait]
impl Usage for RedisUsage {
    async fn spend(&self, ask: &Spend) -> Result<Spent> {
        let limit = |limit: Option<u64>| limit.map_or_else(|| "-1".to_owned(), |n| n.to_string());
        let mut script = self.scripts.spend.arg(&*ask.subject);
        script.arg(limit(ask.requests_per_minute.map(u64::from))).arg(limit(ask.tokens_per_day));
        script.arg(ask.tokens).arg(DAYS_LIVE.as_secs());
        let (short, wait, full_in, day, tokens, day_ends_in): (u8, u64, u64, u64, u64, u64) =
            self.link.run_now(&script).await?;
        let short = match short {
            0 => None,
            1 => Some(Short::Requests(Duration::from_micros(wait))),
            _ => Some(Short::Tokens),
        };
        let (full_in, day_ends_in) =
            (Duration::from_micros(full_in), Duration::from_micros(day_ends_in));
        Ok(Spent { short, full_in, day, tokens, day_ends_in })
    }

    async fn correct(&self, batch: &str, corrections: &[Correction]) -> Result<()> {
        let mut script = self.scripts.correct.arg(batch);
        script.arg(BATCHES_LIVE.as_secs()).arg(DAYS_LIVE.as_secs());
        for Correction { subject, day, tokens, sooner } in corrections {
            let sooner = u64::try_from(sooner.as_micros()).unwrap_or(u64::MAX);
            script.arg(&**subject).arg(*day).arg(*tokens).arg(sooner);
        }
        self.link.run_now(&script).await
    }

    async fn used(&self, subject: &str) -> Result<u64> {
        self.link.run_now(&self.scripts.used.arg(subject)).await
    }
}
