//! The one table of settings.

use super::error::ConfigError;
use super::{authorisation, hosts, search, store, value};

/// What a setting's text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is never shown, and may also come from a file: `NAME_FILE`.
    Secret {
        /// Whether it is a mistake, and not "unset", if it is there but empty.
        refuse_empty: bool,
    },
    /// Host names, each with or without a port, or `*`.
    Hosts,
    /// `true` or `false`.
    Switch,
    /// An address and a port.
    Address,
    /// A base URL.
    Url,
    /// Path segments.
    Path,
    /// A duration of more than nothing.
    Duration,
    /// A duration; nothing switches the wait, or the limit, off.
    DurationOrZero,
    /// A number of bytes, at least so many.
    Size(usize),
    /// A whole number of at least one.
    Count,
    /// A whole number of at least one, and at most so many.
    CountUpTo(u32),
    /// A whole number.
    Number,
    /// A whole number, at most so many.
    NumberUpTo(u32),
    /// A duration whose bare number is minutes; nothing switches it off.
    Minutes,
    /// Where the store is. Its password is never shown, and it may come from a file as a secret may.
    Store,
    /// Base64 keys of 32 bytes; a secret.
    MasterKeys,
    /// The public key of an authority, which may come from a file as a secret may.
    PublicKey,
    /// The language of a search: `auto`, `all`, or a code.
    Language,
    /// A number from 0 to 1.
    Ratio,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Setting {
    /// The environment variable; the file and the flag use it in lower case.
    pub name: &'static str,
    /// What holds where nobody says otherwise; empty for "unset".
    pub default: &'static str,
    /// What its text means.
    pub kind: Kind,
    /// One line for people.
    pub help: &'static str,
}

const fn row(name: &'static str, default: &'static str, kind: Kind, help: &'static str) -> Setting {
    Setting { name, default, kind, help }
}

const KEY: Kind = Kind::Secret { refuse_empty: true };
const COOKIES: Kind = Kind::Secret { refuse_empty: false };
const UPSTREAMS: Kind = Kind::Choice(&["auto", "chat-ui", "openai", "open-webui", "demo"]);
const STRATEGIES: Kind = Kind::Choice(&["least-loaded", "round-robin"]);
const IMAGES: Kind = Kind::Choice(&["off", "public"]);
const CONVERSATIONS: Kind = Kind::Choice(&["reuse", "fresh"]);
const AGES: Kind = Kind::Choice(&["day", "week", "month", "year"]);
const LOGS: Kind = Kind::Choice(&["auto", "json", "pretty"]);
/// hyper cannot work with a smaller buffer.
const LEAST_HEAD: usize = 8192;
/// The parser recurses, so it goes no deeper.
const MOST_LEVELS: u32 = 128;
/// More is no prompt any more.
const MOST_RESULTS: u32 = 50;
/// Each takes a request, while somebody waits.
const MOST_PAGES: u32 = 10;

/// Every setting, in the order in which people meet them.
#[rustfmt::skip]
pub static TABLE: &[Setting] = &[
    row("LISTEN", "127.0.0.1:9999", Kind::Address, "Address and port to listen on"),
    row("API_KEY", "", KEY, "Key(s) that clients send as `Authorization: Bearer`, comma-separated"),
    row("ALLOW_OPEN", "false", Kind::Switch, "Serve without a key on an address that is not loopback, until there is one"),
    row("API_PATH", "", Kind::Path, "Prefix of the client paths: `custom` serves /custom/v1/…"),
    row("ADMIN_KEY", "", KEY, "Key of the operator, for /cookies and /cookie/*; else the first API_KEY, else one kept in DATA_DIR/admin.key"),
    row("UPSTREAM_KIND", "", UPSTREAMS, "What the upstream speaks; `auto`, as without: `openai` where UPSTREAM_URL ends in /v1, else `chat-ui`, and `demo` without a URL"),
    row("UPSTREAM_URL", "", Kind::Url, "Base URL of the upstream, base path included"),
    row("COOKIES", "", COOKIES, "Credentials, comma- or newline-separated: `name=value; name2=value2` or a bare value"),
    row("ALLOWED_HOSTS", "", Kind::Hosts, "Host names that operators, and a Prometheus, may call this server by; `*` for any [default: loopback names and LISTEN's]"),
    row("DATA_DIR", "./data", Kind::Text, "Directory of the store and the generated keys"),
    row("STORE_URL", "", Kind::Store, "`memory:`, `sqlite:PATH`, `redis://…` or `rediss://…` [default: sqlite:DATA_DIR/llm2api.db]"),
    row("MASTER_KEY", "", Kind::MasterKeys, "Seals credentials at rest: 32 bytes in base64; with several, the first seals and all open"),
    row("CHECK_INTERVAL", "0", Kind::Minutes, "Minutes between two checks of all credentials and of AUTH_CODE, or `10s`, `2h`; 0 is off"),
    row("AUTH_CODE", "", KEY, "Authorisation code of this installation, where an authority is set"),
    row("AUTH_URL", "", Kind::Url, "Authority that verifies AUTH_CODE, by POST"),
    row("AUTH_PUBLIC_KEY", "", Kind::PublicKey, "Ed25519 key that AUTH_CODE is signed with, 32 bytes in base64; may come from AUTH_PUBLIC_KEY_FILE"),
    row("AUTH_GRACE", "24h", Kind::DurationOrZero, "The last good answer counts for so long while the authority cannot be reached"),
    row("POOL_STRATEGY", "least-loaded", STRATEGIES, "How to choose among usable credentials"),
    row("MAX_CONCURRENCY_PER_CREDENTIAL", "4", Kind::Count, "Calls at the same time with one credential"),
    row("QUEUE_TIMEOUT", "30s", Kind::DurationOrZero, "Wait for a free credential, then 429"),
    row("CONVERSATIONS", "reuse", CONVERSATIONS, "chat-ui: `reuse` goes on where a conversation has come to, `fresh` makes one a request"),
    row("RETRY_MAX_ATTEMPTS", "3", Kind::Count, "Sends for one request, all layers together"),
    row("CONNECT_TIMEOUT", "3s", Kind::Duration, "TCP and TLS to the upstream"),
    row("FIRST_CONTENT_TIMEOUT", "60s", Kind::Duration, "Streams: request sent to first content"),
    row("RESPONSE_TIMEOUT", "600s", Kind::Duration, "Whole answers: request sent to last byte"),
    row("LIVENESS_TIMEOUT", "30s", Kind::Duration, "Between any two bytes of a stream"),
    row("PROGRESS_TIMEOUT", "300s", Kind::Duration, "Between two pieces of content"),
    row("TOTAL_TIMEOUT", "0", Kind::DurationOrZero, "One request, everything; 0 is off"),
    row("UPSTREAM_EVENT_LIMIT", "1MiB", Kind::Size(1), "One stream event or line of the upstream"),
    row("UPSTREAM_BODY_LIMIT", "16MiB", Kind::Size(1), "One JSON answer of the upstream"),
    row("WRITE_STALL_TIMEOUT", "60s", Kind::Duration, "A client that does not read is cut off after"),
    row("CLIENT_HEAD_TIMEOUT", "10s", Kind::Duration, "First byte of a request to the end of its head"),
    row("CLIENT_BODY_TIMEOUT", "10s", Kind::Duration, "Between two pieces of a request body"),
    row("CLIENT_IDLE_TIMEOUT", "75s", Kind::Duration, "A kept connection between two requests"),
    row("MAX_CONNECTIONS", "10000", Kind::Count, "Connections at the same time"),
    row("REQUEST_BODY_LIMIT", "20MiB", Kind::Size(1), "A larger request body gets 413"),
    row("REQUEST_HEAD_LIMIT", "64KiB", Kind::Size(LEAST_HEAD), "A larger request head gets 431"),
    row("BODY_BYTES_IN_FLIGHT", "1GiB", Kind::Size(1), "Request bodies held at the same time; one too many gets 429"),
    row("JSON_DEPTH", "128", Kind::CountUpTo(MOST_LEVELS), "A request body of more levels gets 400"),
    row("MESSAGES_LIMIT", "10000", Kind::Count, "A request with more messages gets 400"),
    row("STRICT_PARAMETERS", "false", Kind::Switch, "Refuse a request of which something would be ignored, with 400"),
    row("REMOTE_IMAGES", "off", IMAGES, "`public` fetches http(s) image URLs, from public addresses, where the upstream needs the bytes"),
    row("SEARXNG_URL", "", Kind::Url, "Base URL of a SearXNG; enables /web/v1/chat/completions, and `web_search_options`"),
    row("TOOL_ALL_IN_ONE", "false", Kind::Switch, "Search the web for every request to /v1/chat/completions too"),
    row("SEARCH_BLOCK", "true", Kind::Switch, "Begin answers with a `<search>` block of what was found; annotations come always"),
    row("SEARCH_TIMEOUT", "10s", Kind::Duration, "One search with all that belongs to it, rewriting too, and half of TOTAL_TIMEOUT at most; then the answer is without"),
    row("SEARCH_RESULTS", "8", Kind::CountUpTo(MOST_RESULTS), "Results that the model reads; a request may ask for half or twice as many, 50 at most"),
    row("SEARCH_RESULT_PAGES", "3", Kind::CountUpTo(MOST_PAGES), "Pages of results that are asked for while there are too few"),
    row("SEARCH_READ_PAGES", "0", Kind::NumberUpTo(MOST_PAGES), "So many of the pages that were found, the best first, are fetched and read, from public addresses"),
    row("SEARCH_CATEGORIES", "", Kind::Text, "Categories to search in, comma-separated [default: those that SearXNG has set up]"),
    row("SEARCH_TIME_RANGE", "", AGES, "How old results may be: `day`, `week`, `month` or `year` [default: any age]"),
    row("SEARCH_LANGUAGE", "auto", Kind::Language, "Language of results: `auto` for that of the question, `all`, or a code such as `de` or `pt-BR`"),
    row("SEARCH_REWRITE", "false", Kind::Switch, "Ask the model first what to search for, within RETRY_MAX_ATTEMPTS"),
    row("SEARCH_CACHE", "5m", Kind::DurationOrZero, "Results serve so long for the same question; 0 is off"),
    row("METRICS_LISTEN", "", Kind::Address, "Another address for /metrics, without a key: loopback, or a network of your own"),
    row("METRICS_PUBLIC", "false", Kind::Switch, "Let everybody read /metrics on LISTEN too, without the operator's key"),
    row("METRICS_GENAI", "false", Kind::Switch, "Tell figures under the names of OpenTelemetry's conventions for generative AI as well"),
    row("SHUTDOWN_GRACE", "30s", Kind::DurationOrZero, "Running requests may finish for so long at the end"),
    row("LOG_FORMAT", "auto", LOGS, "`auto` is pretty on a terminal and json elsewhere"),
    row("RUST_LOG", "info", Kind::Text, "What is logged, as in `info,llm2api_core=debug`"),
    row("OTEL_EXPORTER_OTLP_ENDPOINT", "", Kind::Url, "Base URL of a collector of traces, which gets them by OTLP over HTTP; empty is off"),
    row("OTEL_SERVICE_NAME", "llm2api", Kind::Text, "What traces call this server"),
    row("OTEL_TRACES_SAMPLER_ARG", "1", Kind::Ratio, "Share of the requests that are traced, 0 to 1, where a `traceparent` does not say"),
];

/// The figures of the pool, as `[pool]` of the file names them behind the dot.
#[rustfmt::skip]
pub(crate) static POOL: &[Setting] = &[
    row("pool.queue_limit", "1000", Kind::Number, "Calls that may wait for a place at the same time"),
    row("pool.requests_per_minute", "0", Kind::Number, "Calls with one credential in any minute; 0 is no limit"),
    row("pool.rate_limit_rest", "30s", Kind::Duration, "Rest after a rate limit that named no time, doubling"),
    row("pool.rate_limit_rest_max", "600s", Kind::Duration, "Longest rest that doubling leads to"),
    row("pool.retry_after_max", "3600s", Kind::Duration, "Longest `Retry-After` that is believed"),
    row("pool.weak_errors", "5", Kind::Count, "Weak errors in the window before a credential rests"),
    row("pool.weak_window", "30s", Kind::Duration, "The window of weak errors"),
    row("pool.weak_rest", "5s", Kind::Duration, "Rest after weak errors, doubling"),
    row("pool.weak_rest_max", "60s", Kind::Duration, "Longest rest for weak errors"),
    row("pool.incident_credentials", "3", Kind::Count, "Credentials that fail alike before it is the upstream's fault"),
    row("pool.incident_window", "10s", Kind::Duration, "Within this time"),
    row("pool.probe_after", "2s", Kind::Duration, "When an upstream that is out is first tried again, doubling"),
    row("pool.probe_after_max", "30s", Kind::Duration, "Longest time between two tries"),
    row("pool.address_limit_cookies", "2", Kind::Count, "Credentials that a rate limit hits before it is our address's"),
    row("pool.address_pause", "30s", Kind::DurationOrZero, "Pause of the upstream then, where no time was named"),
    row("pool.address_pause_max", "60s", Kind::DurationOrZero, "Longest such pause"),
    row("pool.slow_start", "30s", Kind::DurationOrZero, "A credential that comes back gets its full share after this"),
];

/// Settings that are read once: a reload warns where they differ, and goes on with what they were.
pub(crate) static FIXED: &[&str] = &[
    "LISTEN",
    "API_PATH",
    "DATA_DIR",
    "STORE_URL",
    "MASTER_KEY",
    "MAX_CONNECTIONS",
    "METRICS_LISTEN",
    "METRICS_PUBLIC",
    "METRICS_GENAI",
    "LOG_FORMAT",
    "RUST_LOG",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER_ARG",
];

impl Setting {
    /// Says whether the value must never be shown.
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret { .. } | Kind::MasterKeys)
    }

    /// Says whether the value may come from a file, as `NAME_FILE`.
    pub fn takes_file(&self) -> bool {
        self.is_secret() || matches!(self.kind, Kind::Store | Kind::PublicKey)
    }

    /// Returns `text`, a value of this setting, as it may be shown.
    pub fn shown<'a>(&self, text: &'a str) -> &'a str {
        match self.kind {
            _ if text.is_empty() => "",
            Kind::Store => store::shown(text),
            _ if self.is_secret() => "***",
            _ => text,
        }
    }

    /// Returns the setting's name in the file, such as `queue_timeout`.
    pub fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }

    /// Returns the setting's flag, such as `queue-timeout`.
    pub fn flag(&self) -> String {
        self.key().replace('_', "-")
    }

    /// Checks that `text` can be read.
    pub(crate) fn check(&self, text: &str) -> Result<(), ConfigError> {
        let parsed = match self.kind {
            Kind::Text | Kind::Secret { .. } => Ok(()),
            Kind::Number => value::number(text).map(drop),
            Kind::NumberUpTo(most) => match value::number(text) {
                Ok(number) if number <= most => Ok(()),
                _ => return Err(out_of_range(self.name, text, 0, most)),
            },
            Kind::Hosts => hosts::check(text),
            Kind::Language => search::language(text).map(drop),
            Kind::Minutes => value::minutes(text).map(drop),
            Kind::Store => return store::check_url(self.name, text),
            Kind::MasterKeys => return store::check_keys(self.name, text),
            Kind::PublicKey => return authorisation::public_key(text).map(drop),
            Kind::Switch => value::switch(text).map(drop),
            Kind::Address => value::address(text).map(drop),
            Kind::Url => return check_url(self.name, text),
            Kind::Path => value::api_path(text).map(drop),
            Kind::DurationOrZero => value::duration(text).map(drop),
            Kind::Duration => match value::duration(text) {
                Ok(duration) if duration.is_zero() => {
                    Err("write more than nothing: this wait needs an end")
                }
                other => other.map(drop),
            },
            Kind::Ratio => value::ratio(text).map(drop),
            Kind::Size(least) => match value::size(text) {
                Ok(size) if size < least => return Err(too_small(self.name, text, least)),
                other => other.map(drop),
            },
            Kind::Count => value::count(text).map(drop),
            Kind::CountUpTo(most) => match value::count(text) {
                Ok(count) if count <= most => Ok(()),
                _ => return Err(out_of_range(self.name, text, 1, most)),
            },
            Kind::Choice(words) if words.contains(&text) => Ok(()),
            Kind::Choice(words) => {
                let right = format!("write one of {}", words.join(", "));
                return Err(ConfigError::bad(self.name, text, &right));
            }
        };
        parsed.map_err(|right| ConfigError::bad(self.name, text, right))
    }
}

/// Checks a base URL; one with a password in it is not repeated.
pub(crate) fn check_url(name: &str, text: &str) -> Result<(), ConfigError> {
    if text.contains('@') {
        let wrong =
            "holds a user name or password: leave it out, credentials have their own setting";
        return Err(ConfigError::bad_secret(name, wrong));
    }
    if text.contains(['?', '#']) {
        let wrong = "holds a `?` or `#`: end it with its path, credentials have their own setting";
        return Err(ConfigError::bad_secret(name, wrong));
    }
    value::url(text).map(drop).map_err(|right| ConfigError::bad(name, text, right))
}

fn too_small(name: &str, text: &str, least: usize) -> ConfigError {
    ConfigError::bad(name, text, &format!("write at least {least} bytes"))
}

fn out_of_range(name: &str, text: &str, least: u32, most: u32) -> ConfigError {
    ConfigError::bad(name, text, &format!("write a whole number from {least} to {most}"))
}
