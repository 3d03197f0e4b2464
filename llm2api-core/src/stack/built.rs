//! The upstreams of a client, with what has to be the same for one to be kept over a reload.

use std::sync::Arc;

use crate::catalog::Listed;
use crate::conversations::Keeper;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::upstream::{
    self, SharedConversations, SharedOutbox, Upstream, UpstreamConfig, Upstreams,
};

/// An upstream that was built.
#[derive(Debug)]
pub(super) struct Built {
    /// What it was built from; none for one that was handed in.
    plan: Option<Blueprint>,
    pub(super) name: Arc<str>,
    pub(super) listed: Listed,
}

/// All that an upstream knows of its settings: where it is the same, so is the upstream.
#[derive(Debug, PartialEq, Eq)]
struct Blueprint {
    kind: String,
    name: String,
    url: Option<String>,
    trace_context: bool,
    limits: Limits,
}

impl Built {
    /// Takes an upstream that was handed in.
    pub(super) fn custom(config: &UpstreamConfig, upstream: Arc<dyn Upstream>) -> Self {
        let listed = Listed::new(&config.name, upstream, config.any_model);
        Self { plan: None, name: config.name.as_str().into(), listed }
    }

    /// Builds an upstream, or goes on with one of `earlier` that would be the same: with its
    /// connections, and with what it has found out.
    pub(super) fn new(
        config: &UpstreamConfig,
        limits: &Limits,
        keeper: &Keeper,
        earlier: &[Self],
    ) -> Result<Self> {
        let plan = Some(Blueprint {
            kind: config.kind.clone(),
            name: config.name.clone(),
            url: config.url.clone(),
            trace_context: config.trace_context,
            limits: limits.of_upstreams(),
        });
        let name = config.name.as_str().into();
        if let Some(same) = earlier.iter().find(|built| built.plan == plan) {
            return Ok(Self { plan, name, listed: same.listed.again(config.any_model) });
        }
        let (end, maker) = keeper.outbox().end();
        let end: SharedOutbox = Arc::new(end);
        let conversations: SharedConversations = Arc::new(keeper.clone());
        let upstream = upstream::build(config, limits, &end, &conversations)?;
        maker.set(&upstream);
        Ok(Self { plan, name, listed: Listed::new(&config.name, upstream, config.any_model) })
    }

    pub(super) fn upstream(&self) -> &Arc<dyn Upstream> {
        self.listed.upstream()
    }
}

/// Lists them by name.
pub(super) fn by_name(built: &[Built]) -> Upstreams {
    let entry = |built: &Built| (built.name.clone(), built.upstream().clone());
    Arc::new(built.iter().map(entry).collect())
}

/// Checks that names differ.
pub(super) fn check_names(built: &[Built]) -> Result<()> {
    let twice =
        |(at, one): &(usize, &Built)| built[..*at].iter().any(|other| other.name == one.name);
    match built.iter().enumerate().find(twice) {
        None => Ok(()),
        Some((_, one)) => {
            let message = format!("two upstreams are called `{}`: rename one", one.name);
            Err(Error::new(ErrorKind::Configuration, "build client", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::outbox::CleanUps;
    use crate::store::{Keyring, MemoryStore, Vault};

    async fn keeper() -> Keeper {
        let vault = Vault::open(Arc::new(MemoryStore::default()), Keyring::random()).await;
        let vault = vault.expect("a vault");
        Keeper::new(vault.clone(), CleanUps::new(vault).0)
    }

    #[tokio::test]
    async fn what_would_be_the_same_stays_and_nothing_else_does() {
        let (keeper, limits) = (keeper().await, Limits::default());
        let config = UpstreamConfig::new("openai", "local").with_url("http://127.0.0.1:1/v1");
        let first = [Built::new(&config, &limits, &keeper, &[]).expect("valid")];
        let is_kept = |config: &UpstreamConfig, limits: &Limits| {
            let next = Built::new(config, limits, &keeper, &first).expect("valid");
            Arc::ptr_eq(first[0].upstream(), next.upstream())
        };
        let same = config.clone().with_credential("sk-1").with_max_concurrency(9);
        let other_figures = Limits {
            max_attempts: 9,
            total_timeout: Some(Duration::from_secs(1)),
            queue_timeout: Duration::ZERO,
            max_concurrency_per_credential: 1,
            ..limits.clone()
        };
        assert!(is_kept(&same.with_any_model(true).with_requests_per_minute(1), &other_figures));
        assert!(!is_kept(&config.clone().with_url("http://127.0.0.1:2/v1"), &limits));
        assert!(!is_kept(&config.clone().with_trace_context(true), &limits));
        let other_kind = UpstreamConfig { kind: "open-webui".into(), ..config.clone() };
        assert!(!is_kept(&other_kind, &limits));
        assert!(!is_kept(&UpstreamConfig { name: "other".into(), ..config.clone() }, &limits));
        let quick = Limits { connect_timeout: Duration::from_millis(1), ..limits.clone() };
        assert!(!is_kept(&config, &quick));
    }
}
