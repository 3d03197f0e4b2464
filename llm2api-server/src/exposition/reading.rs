//! Takes the figures, all at about the same moment: plain data, and every lock is held for a copy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use llm2api_core::auth::AuthStatus;
use llm2api_core::pool::{CredentialState, UpstreamCensus};
use llm2api_core::{Client, ErrorKind, MetricsSnapshot, TallySnapshot, TokenUsage};

use super::process::Process;
use crate::state::State;

/// Names of models that are told; the engine counts no more of them by name either.
const MODELS: usize = 1000;
/// The engine cuts longer names.
const LONGEST_MODEL: usize = 200;
/// With more credentials than this, only those that are not active are told one by one.
const CREDENTIALS: usize = 1000;

/// Everything that is told, at one moment.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) totals: MetricsSnapshot,
    /// By model; listed and configured ones that nobody has asked are there with zeros.
    pub(super) models: BTreeMap<String, TallySnapshot>,
    pub(super) usage: Vec<(String, TokenUsage)>,
    pub(super) upstreams: BTreeMap<String, TallySnapshot>,
    pub(super) retries: Vec<(ErrorKind, u64)>,
    pub(super) census: Vec<UpstreamCensus>,
    pub(super) states: Vec<CredentialState>,
    /// Those that are told one by one, with their labels.
    pub(super) listed: Vec<(CredentialState, String)>,
    pub(super) responses: Vec<(Arc<str>, u16, u64)>,
    pub(super) outbox: usize,
    pub(super) store_up: bool,
    pub(super) authorisation: Option<AuthStatus>,
    pub(super) process: Option<Process>,
    /// Whether the names of the conventions are wanted as well.
    pub(super) gen_ai: bool,
}

impl Reading {
    pub(super) fn take(state: &State) -> Self {
        let client = &state.client;
        let metrics = client.metrics();
        let (states, census) = (client.pool().states(), client.pool().census());
        Self {
            totals: metrics.snapshot(),
            models: models(client),
            usage: metrics.token_usage(),
            upstreams: upstreams(client, &census),
            retries: metrics.retries(),
            listed: listed(client, &states),
            census,
            states,
            responses: state.responses.read(),
            outbox: client.outbox_pending(),
            store_up: client.accounts().store_is_reachable(),
            authorisation: client.authorisation(),
            process: Process::read(),
            gen_ai: state.exposes.gen_ai,
        }
    }
}

fn models(client: &Client) -> BTreeMap<String, TallySnapshot> {
    let mut models: BTreeMap<_, _> = client.metrics().series("model").into_iter().collect();
    models.entry("other".to_owned()).or_default();
    for name in client.known_models() {
        let name: String = name.chars().take(LONGEST_MODEL).collect();
        if models.len() < MODELS {
            models.entry(name).or_default();
        }
    }
    models
}

fn upstreams(client: &Client, census: &[UpstreamCensus]) -> BTreeMap<String, TallySnapshot> {
    let mut upstreams: BTreeMap<_, _> = client.metrics().series("upstream").into_iter().collect();
    for of in census {
        upstreams.entry(of.upstream.to_string()).or_default();
    }
    upstreams
}

/// Chooses those that are told one by one. One without an account, which stands for nobody, has its
/// id for a label.
fn listed(client: &Client, states: &[CredentialState]) -> Vec<(CredentialState, String)> {
    let all = states.len() <= CREDENTIALS;
    let told = states.iter().filter(|of| all || of.state.as_str() != "active");
    let with_label = |of: &CredentialState| {
        let label = client.accounts().label(of.id.as_str());
        (of.clone(), label.unwrap_or_else(|| of.id.as_str().to_owned()))
    };
    told.map(with_label).collect()
}

impl Reading {
    /// Returns the names of the upstreams that are in use.
    pub(super) fn open_upstreams(&self) -> BTreeSet<&str> {
        self.census.iter().map(|of| &*of.upstream).collect()
    }
}
