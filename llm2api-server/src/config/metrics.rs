//! Who may read the figures, and which.

use std::net::SocketAddr;

use super::error::ConfigError;
use super::settings::Settings;
use super::value;

/// Who may read the figures at `/metrics`, and which names they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsConfig {
    /// Where else to listen, for those who read figures and need no key; nowhere where absent.
    pub listen: Option<SocketAddr>,
    /// Whether they are told to everybody on the main address too.
    pub public: bool,
    /// Whether they have the names of OpenTelemetry's conventions for generative AI as well.
    pub gen_ai: bool,
}

impl Settings {
    /// Reads the settings of `/metrics`.
    ///
    /// # Errors
    /// Where both addresses are one.
    pub(super) fn metrics(&self, main: SocketAddr) -> Result<MetricsConfig, ConfigError> {
        let text = self.text("METRICS_LISTEN");
        let listen = match text {
            "" => None,
            _ => Some(self.read("METRICS_LISTEN", value::address)?),
        };
        if listen.is_some_and(|address| address == main && address.port() != 0) {
            return Err(ConfigError::bad(
                "METRICS_LISTEN",
                text,
                "that is the address of LISTEN: choose another, or set METRICS_PUBLIC=true",
            ));
        }
        Ok(MetricsConfig {
            listen,
            public: self.read("METRICS_PUBLIC", value::switch)?,
            gen_ai: self.read("METRICS_GENAI", value::switch)?,
        })
    }
}
