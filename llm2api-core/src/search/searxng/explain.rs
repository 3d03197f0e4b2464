//! What SearXNG's refusals mean, and what its operator can do.

use crate::error::{Error, ErrorKind};

pub(super) const OPERATION: &str = "search";

/// Explains a status that is not 200.
pub(super) fn status(status: u16) -> Error {
    let (kind, code, message) = match status {
        403 => (
            ErrorKind::Configuration,
            "search_json_off",
            "SearXNG gives no JSON: add `json` to `search.formats` in its settings.yml; or a proxy in \
             front of it lets nobody in",
        ),
        429 => (
            ErrorKind::RateLimited,
            "search_limited",
            "SearXNG's limiter takes this server for a robot: add its address to `pass_ip` in \
             limiter.toml, or set `server.limiter` to false in settings.yml",
        ),
        300..400 => (
            ErrorKind::Configuration,
            "search_refused",
            "SearXNG redirects elsewhere: set SEARXNG_URL to the address that it leads to",
        ),
        404 => (
            ErrorKind::Configuration,
            "search_refused",
            "there is no SearXNG: SEARXNG_URL must be its base address, without `/search`",
        ),
        401 | 407 => (
            ErrorKind::Configuration,
            "search_refused",
            "SearXNG wants a password: let this server in without one",
        ),
        400..500 => (
            ErrorKind::Configuration,
            "search_refused",
            "SearXNG does not take the question: check the categories, the language and the time \
             range",
        ),
        _ => (ErrorKind::UpstreamFailed, "search_failed", "SearXNG failed: look into its log"),
    };
    Error::new(kind, OPERATION, message).with_code(code).with_status(status)
}

/// Explains an answer that is no page of results.
pub(super) fn no_results() -> Error {
    let message = "what answered is no JSON of SearXNG: SEARXNG_URL must be its base address, and \
                   `json` stand in `search.formats` of its settings.yml";
    Error::new(ErrorKind::UpstreamProtocol, OPERATION, message).with_code("search_answer_invalid")
}

/// Explains that no engine behind SearXNG has answered.
pub(super) fn no_engine(engines: String) -> Error {
    let message = "none of the engines that SearXNG asked has answered";
    Error::new(ErrorKind::UpstreamFailed, OPERATION, message)
        .with_code("search_failed")
        .with_context("engines", engines)
}

/// Explains why there is no answer.
pub(super) fn no_answer(error: Error) -> Error {
    let (code, message) = match error.kind() {
        _ if error.is_timeout() => ("search_timeout", "SearXNG did not answer in time"),
        ErrorKind::Connect => ("search_unreachable", "SearXNG cannot be reached"),
        ErrorKind::ConnectionReset | ErrorKind::UpstreamIncomplete => {
            ("search_failed", "SearXNG broke off its answer")
        }
        _ => return no_results().with_source(error),
    };
    Error::new(error.kind(), OPERATION, message).with_code(code).with_source(error)
}
