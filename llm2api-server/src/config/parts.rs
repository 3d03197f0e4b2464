//! Who goes by which settings: the gateway by all, an authority and a client by a part of them.

use super::table::Setting;

/// Says whether a program goes by a setting; the others may hold anything then.
pub(super) type Part = fn(&Setting) -> bool;

/// What is about a server, whatever it serves.
const SERVERS: &[&str] = &[
    "LISTEN",
    "ADMIN_KEY",
    "ALLOWED_HOSTS",
    "WRITE_STALL_TIMEOUT",
    "CLIENT_HEAD_TIMEOUT",
    "CLIENT_BODY_TIMEOUT",
    "CLIENT_IDLE_TIMEOUT",
    "MAX_CONNECTIONS",
    "BODY_BYTES_IN_FLIGHT",
    "REQUEST_BODY_LIMIT",
    "REQUEST_HEAD_LIMIT",
    "JSON_DEPTH",
    "SHUTDOWN_GRACE",
    "LOG_FORMAT",
    "RUST_LOG",
];
/// What is about those who ask a gateway over HTTP, and those who watch it.
const GATEWAYS: &[&str] = &[
    "API_KEY",
    "ALLOW_OPEN",
    "API_PATH",
    "MESSAGES_LIMIT",
    "METRICS_LISTEN",
    "METRICS_PUBLIC",
    "METRICS_GENAI",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER_ARG",
];

/// What a gateway goes by.
pub(super) fn gateway(_: &Setting) -> bool {
    true
}

/// What an authority goes by.
pub(super) fn authority(setting: &Setting) -> bool {
    SERVERS.contains(&setting.name) || ["DATA_DIR", "STORE_URL"].contains(&setting.name)
}

/// What a client goes by that is part of a program: all that concerns calls.
pub(super) fn client(setting: &Setting) -> bool {
    !SERVERS.contains(&setting.name) && !GATEWAYS.contains(&setting.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TABLE;

    #[test]
    fn names_are_those_of_the_table() {
        for name in SERVERS.iter().chain(GATEWAYS) {
            assert!(TABLE.iter().any(|setting| setting.name == *name), "{name}");
        }
    }

    #[test]
    fn a_client_goes_by_what_concerns_calls() {
        let names = TABLE.iter().filter(|setting| client(setting)).map(|setting| setting.name);
        insta::assert_snapshot!(names.collect::<Vec<_>>().join("\n"));
    }
}
