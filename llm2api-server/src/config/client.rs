//! The settings of a client that is part of a program: those that concern calls.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::error::ConfigError;
use super::file::File;
use super::model::Config;
use super::origins;
use super::parts;
use super::program::Program;
use super::settings::Settings;
use super::sources::Sources;
use super::table::{Setting, TABLE};
use super::upstreams;

/// Where a client's settings come from that is part of a program.
///
/// A keyword counts over the environment, the environment over the file, the file over the default.
/// What concerns a server alone, such as `LISTEN`, is not looked at, whatever it holds. Without
/// `STORE_URL` the store is in memory: a library makes no files unasked.
///
/// A keyword that names an upstream means it alone: what the others say of another one, its credentials
/// too, is not looked at.
///
/// # Example
/// ```
/// use llm2api_server::config::{ClientFile, ClientSources};
///
/// let mut sources = ClientSources::default();
/// sources.keywords.insert("QUEUE_TIMEOUT".into(), "5s".into());
/// sources.environment.insert("LISTEN".into(), "no address".into());
/// sources.file = ClientFile::Table(r#"{"pool": {"queue_limit": 7}}"#.into());
/// let config = sources.config()?;
/// assert_eq!((config.limits.queue_timeout.as_secs(), config.pool.queue_limit), (5, 7));
/// # Ok::<(), llm2api_server::config::ConfigError>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ClientSources {
    /// What the program itself says, by the names of the table; those of [`client_settings`].
    pub keywords: BTreeMap<String, String>,
    /// The process's environment.
    pub environment: BTreeMap<String, String>,
    /// The settings file.
    pub file: ClientFile,
    /// What is started to read PDF and DOCX files; they are refused where absent.
    pub reader: Option<Program>,
}

/// The settings file of a client.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum ClientFile {
    /// `llm2api.toml` in the working directory, if it is there.
    #[default]
    Default,
    /// The file at this path, which must be there.
    Path(PathBuf),
    /// No file, but what it would hold, as JSON.
    Table(String),
}

impl ClientSources {
    /// Reads the settings of calls; those of a server are as nobody had said anything.
    ///
    /// # Errors
    /// A keyword that is no setting of calls, a file that cannot be read, and what
    /// [`Settings::resolve`] and [`Settings::config`] refuse.
    pub fn config(self) -> Result<Config, ConfigError> {
        self.keywords.keys().try_for_each(|name| check_keyword(name))?;
        let mut file = self.file.read()?;
        if upstreams::names_one(&self.keywords) {
            // Whoever names one upstream means it alone.
            (file.upstream, file.model) = (Vec::new(), Vec::new());
        }
        let Self { keywords, mut environment, reader: program, .. } = self;
        upstreams::give_way(&mut environment, &keywords);
        upstreams::give_way(&mut file.server.0, &keywords);
        let sources = Sources { keywords, environment, program, ..Sources::default() };
        let mut settings = Settings::resolve_part(&sources, file, parts::client)?;
        if settings.text("STORE_URL").is_empty() {
            settings.put("STORE_URL", "memory:");
        }
        settings.config()
    }
}

impl ClientFile {
    fn read(&self) -> Result<File, ConfigError> {
        match self {
            Self::Table(json) => File::from_json("config", json),
            Self::Path(path) => File::of(origins::text(Some(path), "config")?.as_ref()),
            Self::Default => File::of(origins::text(None, "config")?.as_ref()),
        }
    }
}

/// Lists the settings that may be given to a client.
pub fn client_settings() -> impl Iterator<Item = &'static Setting> {
    TABLE.iter().filter(|setting| parts::client(setting))
}

fn check_keyword(name: &str) -> Result<(), ConfigError> {
    if client_settings().any(|setting| setting.name == name) {
        return Ok(());
    }
    let wrong = match TABLE.iter().any(|setting| setting.name == name) {
        true => "is a setting of the server, which no call goes by: leave it out",
        false => "is no setting: look for typing errors",
    };
    Err(ConfigError::bad_secret(name, wrong))
}

impl fmt::Debug for ClientSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values are left out: any of them may be a secret.
        f.debug_struct("ClientSources")
            .field("keywords", &self.keywords.keys())
            .field("environment", &self.environment.len())
            .field("file", &self.file)
            .field("reader", &self.reader)
            .finish()
    }
}

impl fmt::Debug for ClientFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("Default"),
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Table(_) => f.write_str("Table(***)"),
        }
    }
}

#[cfg(test)]
mod tests;
