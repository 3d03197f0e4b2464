//! A builder's wishes, built and checked as far as that takes no store. Nothing is in use yet.

use std::sync::Arc;

use super::builder::{AnyLayer, ClientBuilder};
use super::built::{Built, check_names};
use super::files::file_kit;
use super::search::{SearchLayer, search_layer};
use crate::accounts::{Plan, Site};
use crate::adapt::files::FileKit;
use crate::auth::Authorisation;
use crate::catalog::Edition;
use crate::conversations::{ConversationMode, ConversationRules, Keeper};
use crate::credential::Credential;
use crate::error::Result;
use crate::limits::Limits;
use crate::pool::{PoolRules, UpstreamTerms};
use crate::upstream::{Upstream, UpstreamConfig};

/// How a stack treats calls, whatever their upstream.
#[derive(Clone)]
pub(super) struct Manner {
    pub(super) limits: Limits,
    /// Whether what would be ignored of a request is refused.
    pub(super) strict: bool,
    pub(super) files: FileKit,
    pub(super) search: SearchLayer,
}

/// What a client goes by once it is put to use.
pub(super) struct Draft {
    pub(super) manner: Manner,
    pub(super) rules: PoolRules,
    pub(super) built: Vec<Built>,
    pub(super) authorisation: Option<Authorisation>,
    pub(super) edition: Edition,
    pub(super) plan: Plan,
    pub(super) credentials: Vec<Credential>,
    pub(super) conversations: (ConversationMode, ConversationRules),
    pub(super) layers: Vec<AnyLayer>,
}

impl Draft {
    /// Builds everything but what `earlier` has already; without any upstream, the demo.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a wrong upstream, URL or
    /// alias; [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) with code
    /// `invalid_cookie` for a credential that does not fit.
    pub(super) fn new(
        mut builder: ClientBuilder,
        keeper: &Keeper,
        earlier: &[Built],
    ) -> Result<Self> {
        let (search, searches) = search_layer(&mut builder)?;
        let ClientBuilder {
            configs,
            custom,
            aliases,
            limits,
            strict,
            file_rules,
            extractor,
            rules,
            check_interval,
            authorisation,
            conversations,
            conversation_rules,
            layers,
            ..
        } = builder;
        let files = file_kit(file_rules, extractor)?;
        let all = build_all(configs, custom, &limits, keeper, earlier)?;
        let mut credentials = Vec::new();
        for (_, config) in &all {
            credentials.extend(config.read_credentials()?);
        }
        let site = |(built, config): &(Built, UpstreamConfig)| {
            let terms = terms(built, config, &limits, &rules);
            (built.name.clone(), Site { upstream: Arc::clone(built.upstream()), terms })
        };
        let plan = Plan {
            sites: all.iter().map(site).collect(),
            check_timeout: limits.first_content_timeout,
            check_interval,
            longest_rest: rules.retry_after_max,
        };
        let built: Vec<_> = all.into_iter().map(|(built, _)| built).collect();
        check_names(&built)?;
        let listed = built.iter().map(|built| built.listed.clone()).collect();
        let edition = Edition::new(listed, aliases)?.with_search(searches);
        let manner = Manner { limits, strict, files, search };
        let conversations = (conversations, conversation_rules);
        Ok(Self {
            manner,
            rules,
            built,
            authorisation,
            edition,
            plan,
            credentials,
            conversations,
            layers,
        })
    }
}

/// Builds all upstreams, those that were handed in first.
fn build_all(
    mut configs: Vec<UpstreamConfig>,
    custom: Vec<(UpstreamConfig, Arc<dyn Upstream>)>,
    limits: &Limits,
    keeper: &Keeper,
    earlier: &[Built],
) -> Result<Vec<(Built, UpstreamConfig)>> {
    if configs.is_empty() && custom.is_empty() {
        configs.push(UpstreamConfig::new("demo", "demo"));
    }
    let mut all = Vec::new();
    for (config, upstream) in custom {
        all.push((Built::custom(&config, upstream), config));
    }
    for config in configs {
        all.push((Built::new(&config, limits, keeper, earlier)?, config));
    }
    Ok(all)
}

fn terms(
    built: &Built,
    config: &UpstreamConfig,
    limits: &Limits,
    rules: &PoolRules,
) -> UpstreamTerms {
    let places = config.max_concurrency.unwrap_or(limits.max_concurrency_per_credential);
    UpstreamTerms {
        max_concurrency: places.max(1),
        per_minute: config.requests_per_minute.unwrap_or(rules.requests_per_minute),
        limits_by_address: built.upstream().capability().limits_by_address,
    }
}
