//! Who said what: flag over environment over file over default.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

use super::error::ConfigError;
use super::file::{File, FileCredential, FileModel, FileUpstream};
use super::parts::{self, Part};
use super::program::Program;
use super::sources::{Read, Sources};
use super::table::{FIXED, Kind, POOL, Setting, TABLE};
use super::value;

/// Where a value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// In the program that this one is part of.
    Keyword,
    /// On the command line.
    Flag,
    /// In the environment.
    Environment,
    /// In the settings file.
    File,
    /// Nobody said anything.
    Default,
}

impl Origin {
    /// Names it in one word of lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Default => "default",
        }
    }
}

/// An upstream of the file, and its credentials as they were found.
pub(super) type FileUpstreamWith = (FileUpstream, Vec<SecretString>);

/// The effective value of each setting, checked one by one.
#[derive(Clone)]
pub struct Settings {
    values: BTreeMap<&'static str, (String, Origin)>,
    pub(super) upstreams: Vec<FileUpstreamWith>,
    pub(super) models: Vec<FileModel>,
    pub(super) program: Option<Program>,
}

impl Settings {
    /// Puts the sources one over the other and checks every value.
    ///
    /// # Errors
    /// The first mistake found: an unknown key, a value that cannot be read, an empty key.
    pub fn resolve(sources: &Sources) -> Result<Self, ConfigError> {
        Self::resolve_part(sources, File::of(sources.file.as_ref())?, parts::gateway)
    }

    /// Does the same for a part of the settings, with what is left of the file; all others have
    /// their defaults.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve), apart from the others.
    pub(super) fn resolve_part(
        sources: &Sources,
        file: File,
        part: Part,
    ) -> Result<Self, ConfigError> {
        let levels = [
            (Origin::Keyword, &sources.keywords),
            (Origin::Flag, &sources.flags),
            (Origin::Environment, &sources.environment),
            (Origin::File, &file.server.0),
        ];
        let mut values = BTreeMap::new();
        for setting in TABLE {
            let levels = if part(setting) { &levels[..] } else { &[] };
            values.insert(setting.name, value_of(setting, levels, sources.read)?);
        }
        for setting in POOL {
            let level = [(Origin::File, &file.pool.0)];
            values.insert(setting.name, value_of(setting, &level, sources.read)?);
        }
        let mut upstreams = Vec::new();
        for upstream in file.upstream {
            let credentials = credentials(sources, &upstream)?;
            upstreams.push((upstream, credentials));
        }
        let program = sources.program.clone();
        Ok(Self { values, upstreams, models: file.model, program })
    }

    /// Returns the text of a setting; empty where it is unset.
    ///
    /// # Panics
    /// If the table has no such setting, which the tests would have shown.
    pub fn text(&self, name: &str) -> &str {
        &self.values.get(name).unwrap_or_else(|| panic!("the table has no setting {name}")).0
    }

    /// Returns the text of a setting for people: stars in place of a secret.
    pub fn shown(&self, setting: &Setting) -> &str {
        setting.shown(self.text(setting.name))
    }

    /// Puts what cannot change while the server runs back to what it is in `running`.
    pub(crate) fn keep_fixed(&mut self, running: &Self) {
        for name in FIXED {
            if let Some(value) = running.values.get(name) {
                self.values.insert(name, value.clone());
            }
        }
    }

    /// Puts another text in the place of a default.
    pub(super) fn put(&mut self, name: &'static str, text: &str) {
        self.values.insert(name, (text.to_owned(), Origin::Default));
    }

    /// Returns where the value of a setting was found.
    pub fn origin(&self, name: &str) -> Origin {
        self.values.get(name).map_or(Origin::Default, |(_, origin)| *origin)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = TABLE.iter().chain(POOL).map(|setting| (setting.name, self.shown(setting)));
        f.debug_map().entries(shown).finish()
    }
}

type Level<'a> = (Origin, &'a BTreeMap<String, String>);

fn value_of(
    setting: &Setting,
    levels: &[Level<'_>],
    read: Read,
) -> Result<(String, Origin), ConfigError> {
    for (origin, level) in levels {
        refuse(setting, level)?;
        if let Some(text) = at_level(setting, level, read)? {
            setting.check(&text)?;
            if *origin == Origin::Flag && setting.kind == Kind::Store && text.contains('@') {
                let wrong = "holds a password, which everybody on this machine can read on a command \
                             line: set it in the environment or by STORE_URL_FILE";
                return Err(ConfigError::bad_secret(setting.name, wrong));
            }
            return Ok((text, *origin));
        }
    }
    Ok((setting.default.to_owned(), Origin::Default))
}

fn at_level(
    setting: &Setting,
    level: &BTreeMap<String, String>,
    read: Read,
) -> Result<Option<String>, ConfigError> {
    let name = setting.name;
    let mut text = level.get(name).cloned();
    if !setting.takes_file() {
        return Ok(trimmed(text));
    }
    if let Some(path) = level.get(&format!("{name}_FILE")).filter(|path| !path.is_empty()) {
        if text.as_ref().is_some_and(|text| !text.is_empty()) {
            return Err(ConfigError::new(format!(
                "`{name}` and `{name}_FILE`: give one of the two"
            )));
        }
        text = Some(read_secret(&format!("{name}_FILE"), path, read)?);
    }
    let nothing = |text: &String| value::list(text).next().is_none();
    let refuse_empty = matches!(setting.kind, Kind::Secret { refuse_empty: true });
    if refuse_empty && text.as_ref().is_some_and(nothing) {
        let wrong = "is set but empty: give it a value, or do not set it";
        return Err(ConfigError::bad_secret(name, wrong));
    }
    Ok(trimmed(text))
}

fn trimmed(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn read_secret(name: &str, path: &str, read: Read) -> Result<String, ConfigError> {
    read(path).map_err(|error| {
        ConfigError::bad(name, path, &format!("this file cannot be read ({error})"))
    })
}

/// Looks up what `{ env = … }` and `{ file = … }` point to.
fn credentials(
    sources: &Sources,
    upstream: &FileUpstream,
) -> Result<Vec<SecretString>, ConfigError> {
    upstream.credentials.iter().map(|credential| lookup(sources, credential)).collect()
}

fn lookup(sources: &Sources, credential: &FileCredential) -> Result<SecretString, ConfigError> {
    let FileCredential { env, file, value } = credential;
    let text = match (env, file, value) {
        (Some(name), None, None) => sources.environment.get(name).cloned().ok_or_else(|| {
            let right = "the environment has no such variable";
            ConfigError::bad("credentials.env", name, right)
        })?,
        (None, Some(path), None) => read_secret("credentials.file", path, sources.read)?,
        (None, None, Some(text)) => text.clone(),
        _ => {
            let right = "must name exactly one of `env`, `file` and `value`";
            return Err(ConfigError::bad_secret("credentials", right));
        }
    };
    match text.trim() {
        "" => Err(ConfigError::bad_secret("credentials", "holds an empty credential")),
        text => Ok(SecretString::from(text)),
    }
}

/// Refuses what promises protection under a name that is not read: starting would break that promise.
fn refuse(setting: &Setting, level: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    let name = "AUTH_URL_FILE";
    let is_set = level.get(name).is_some_and(|text| !text.trim().is_empty());
    if setting.name != "AUTH_URL" || !is_set {
        return Ok(());
    }
    let wrong = "is set, but a URL is no secret and is not read from a file: set AUTH_URL";
    Err(ConfigError::bad_secret(name, wrong))
}
