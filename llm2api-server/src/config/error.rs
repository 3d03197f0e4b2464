//! What is wrong with the settings.

use std::fmt;

/// A setting that cannot be used.
///
/// `Display` names the setting, its bad value unless that is a secret, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    message: String,
}

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// Says that `name` has a value that cannot be read.
    pub(crate) fn bad(name: &str, value: &str, right: &str) -> Self {
        Self::new(format!("`{name}` is `{value}`: {right}"))
    }

    /// Says that a secret `name` has a value that cannot be used, without showing it.
    pub(crate) fn bad_secret(name: &str, wrong: &str) -> Self {
        Self::new(format!("`{name}` {wrong}"))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}
