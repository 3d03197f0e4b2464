//! The settings as `config print` shows them.

use std::fmt;

use super::settings::{Origin, Settings};
use super::table::{POOL, TABLE};

/// One line a setting, in the form of the environment, secrets hidden, with its origin.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for setting in TABLE.iter().chain(POOL) {
            let origin = match self.origin(setting.name) {
                Origin::Flag => "flag",
                Origin::Environment => "environment",
                Origin::File => "file",
                Origin::Default => "default",
            };
            writeln!(f, "{}={}  # {origin}", setting.name, self.shown(setting))?;
        }
        for (upstream, credentials) in &self.upstreams {
            let url = upstream.url.as_deref().unwrap_or("-");
            let (name, kind, count) = (&upstream.name, &upstream.kind, credentials.len());
            writeln!(f, "upstream {name}: {kind} {url}, {count} credential(s)  # file")?;
        }
        for model in &self.models {
            writeln!(f, "model {}: {}  # file", model.name, model.serve.join(", "))?;
        }
        Ok(())
    }
}
