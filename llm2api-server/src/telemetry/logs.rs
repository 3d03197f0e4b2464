//! Log lines on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use super::json::{JsonLines, Utc};
use crate::config::{Config, ConfigError, LogFormat};

/// Installs the process's log writer.
///
/// # Errors
/// If `RUST_LOG` cannot be read. A writer that is there already stays, and that is no error.
pub fn init(config: &Config) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&config.log_filter).map_err(|_| {
        ConfigError::bad("RUST_LOG", &config.log_filter, "write levels such as `info`")
    })?;
    let terminal = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // A closed stderr must not bring a request down.
        .log_internal_errors(false)
        .with_ansi(terminal);
    let json = match config.log_format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !terminal,
    };
    let installed = if json {
        builder.json().event_format(JsonLines::new(Utc)).finish().try_init()
    } else {
        builder.finish().try_init()
    };
    // The Python package may have installed one: then its choice holds.
    let _ = installed;
    Ok(())
}
