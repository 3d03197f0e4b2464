//! Where traces go.

use super::error::ConfigError;
use super::settings::Settings;
use super::value;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Where traces go, and how many of them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TraceConfig {
    /// Base URL of the collector.
    pub endpoint: String,
    /// What this server is called there.
    pub service_name: String,
    /// The share of the requests that are traced, from 0 to 1, where the client does not say.
    pub ratio: f64,
}

impl Settings {
    /// Reads where traces go; nowhere without a collector.
    pub(super) fn traces(&self) -> Result<Option<TraceConfig>, ConfigError> {
        let endpoint = self.text(ENDPOINT).trim_end_matches('/');
        if endpoint.is_empty() {
            return Ok(None);
        }
        check_built(endpoint, cfg!(feature = "otel"))?;
        Ok(Some(TraceConfig {
            endpoint: endpoint.to_owned(),
            service_name: self.text("OTEL_SERVICE_NAME").to_owned(),
            ratio: self.read("OTEL_TRACES_SAMPLER_ARG", value::ratio)?,
        }))
    }
}

/// Refuses a collector where the program cannot send anything there: who set it counts on traces.
fn check_built(endpoint: &str, built: bool) -> Result<(), ConfigError> {
    let right =
        "this program was built without traces: build it with `--features otel`, or unset it";
    if built { Ok(()) } else { Err(ConfigError::bad(ENDPOINT, endpoint, right)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_traces_says_so_where_they_are_wanted() {
        assert!(check_built("http://127.0.0.1:4318", true).is_ok());
        let error = check_built("http://127.0.0.1:4318", false).expect_err("not built");
        insta::assert_snapshot!(error.to_string());
    }
}
