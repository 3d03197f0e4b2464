//! Everything that settings are made of.

use std::collections::BTreeMap;
use std::{fmt, io};

use super::program::Program;

/// Reads the file at a path.
pub type Read = fn(&str) -> io::Result<String>;

/// Everything that settings are made of; nothing else is looked at.
///
/// # Example
/// ```
/// use llm2api_server::config::{Settings, Sources};
///
/// let mut sources = Sources::default();
/// sources.environment.insert("LISTEN".into(), "127.0.0.1:8080".into());
/// let config = Settings::resolve(&sources)?.config()?;
/// assert_eq!(config.listen.port(), 8080);
/// # Ok::<(), llm2api_server::config::ConfigError>(())
/// ```
pub struct Sources {
    /// What a program says that this one is part of, by the names of the table; it counts over all.
    pub keywords: BTreeMap<String, String>,
    /// Flags, by the names of the table.
    pub flags: BTreeMap<String, String>,
    /// The process's environment.
    pub environment: BTreeMap<String, String>,
    /// The settings file: its path, to be named in errors, and its text.
    pub file: Option<(String, String)>,
    /// This program, which is started anew to read documents; none where it is part of another.
    pub program: Option<Program>,
    /// Reads the file that a `NAME_FILE` setting points to.
    pub read: Read,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            keywords: BTreeMap::new(),
            flags: BTreeMap::new(),
            environment: BTreeMap::new(),
            file: None,
            program: None,
            read: |path| std::fs::read_to_string(path),
        }
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values are left out: any of them may be a secret.
        f.debug_struct("Sources")
            .field("keywords", &self.keywords.keys())
            .field("flags", &self.flags.keys())
            .field("environment", &self.environment.len())
            .field("file", &self.file.as_ref().map(|(path, _)| path))
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}
