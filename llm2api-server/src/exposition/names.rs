//! Every family of our own. What dashboards and alerts ask for stands here, and nowhere else.

use prometheus_client::registry::Unit;

/// The name of a family of samples; what is written behind its stem follows from its type and unit.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) stem: &'static str,
    pub(super) unit: Option<Unit>,
    pub(super) help: &'static str,
}

const fn plain(stem: &'static str, help: &'static str) -> Name {
    Name { stem, unit: None, help }
}

const fn seconds(stem: &'static str, help: &'static str) -> Name {
    Name { stem, unit: Some(Unit::Seconds), help }
}

const fn bytes(stem: &'static str, help: &'static str) -> Name {
    Name { stem, unit: Some(Unit::Bytes), help }
}

/// The families, by who brings them. Counters get `_total` behind their names, and what has a unit
/// gets that first.
#[rustfmt::skip]
pub(super) mod ours {
    use super::{Name, plain, seconds};

    pub(in super::super) static REQUESTS: Name = plain("llm2api_requests", "Calls that have ended, by model and outcome.");
    pub(in super::super) static DURATION: Name = seconds("llm2api_request_duration", "From the call to its end.");
    pub(in super::super) static FIRST_TOKEN: Name = seconds("llm2api_time_to_first_token", "From the call to the first content of its answer.");
    pub(in super::super) static OVERHEAD: Name = seconds("llm2api_overhead", "What the gateway itself takes until an answer, or its first content, is on its way.");
    pub(in super::super) static TOKENS: Name = plain("llm2api_tokens", "Tokens of requests and answers, as upstreams have counted them or as they were estimated.");
    pub(in super::super) static IN_FLIGHT: Name = plain("llm2api_requests_in_flight", "Calls under way.");
    pub(in super::super) static STREAMS: Name = plain("llm2api_streams_active", "Answers that are being streamed.");
    pub(in super::super) static RETRIES: Name = plain("llm2api_retries", "Calls that were tried again, by what had gone wrong.");
    pub(in super::super) static ATTEMPTS: Name = plain("llm2api_upstream_attempts", "Attempts at upstreams, by outcome.");
    pub(in super::super) static UPSTREAM_UP: Name = plain("llm2api_upstream_up", "1 where an upstream is asked, 0 while it is left alone after an incident.");
    pub(in super::super) static STATES: Name = plain("llm2api_credentials", "Credentials, by upstream and state.");
    pub(in super::super) static USABLE: Name = plain("llm2api_credentials_usable", "Credentials that neither rest nor are out, by upstream.");
    pub(in super::super) static STATE: Name = plain("llm2api_credential_state", "1 for the state that a credential has; of more than 1000, only those that are not active.");
    pub(in super::super) static RESPONSES: Name = plain("llm2api_http_responses", "Answers of this server, by row of the route table and status.");
    pub(in super::super) static OUTBOX: Name = plain("llm2api_outbox_pending", "Clean-ups at upstreams that are in hand.");
    pub(in super::super) static STORE_UP: Name = plain("llm2api_store_up", "1 where the store can be reached.");
    pub(in super::super) static STORE_FAILURES: Name = plain("llm2api_store_failures", "What the store was asked in vain.");
    pub(in super::super) static AUTHORISED: Name = plain("llm2api_authorised", "1 where this installation may serve chats.");
    pub(in super::super) static EXPIRY: Name = seconds("llm2api_authorisation_expiry_timestamp", "When the authorisation code expires, since 1970; absent where it does not.");
    pub(in super::super) static BUILD: Name = plain("llm2api_build", "What runs.");
}

/// What every process has.
#[rustfmt::skip]
pub(super) mod process {
    use super::{Name, bytes, plain, seconds};

    pub(in super::super) static CPU: Name = seconds("process_cpu", "Processor time of this process.");
    pub(in super::super) static RESIDENT: Name = bytes("process_resident_memory", "Memory in use.");
    pub(in super::super) static VIRTUAL: Name = bytes("process_virtual_memory", "Memory mapped.");
    pub(in super::super) static OPEN_FDS: Name = plain("process_open_fds", "Open file descriptors.");
    pub(in super::super) static MAX_FDS: Name = plain("process_max_fds", "File descriptors that may be open.");
    pub(in super::super) static START: Name = seconds("process_start_time", "When this process began, since 1970.");
}
