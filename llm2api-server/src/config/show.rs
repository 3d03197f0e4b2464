//! The settings as `config print` shows them.

use std::fmt;

use super::settings::{Origin, Settings};
use super::table::{POOL, Setting, TABLE};

impl Settings {
    /// Lists each setting with its text, secrets hidden, and where that was found.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'static Setting, &str, Origin)> {
        let row =
            |setting: &'static Setting| (setting, self.shown(setting), self.origin(setting.name));
        TABLE.iter().chain(POOL).map(row)
    }
}

/// One line a setting, in the form of the environment, secrets hidden, with its origin.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (setting, text, origin) in self.rows() {
            writeln!(f, "{}={text}  # {}", setting.name, origin.as_str())?;
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
