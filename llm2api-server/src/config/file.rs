//! The settings file: `[server]`, `[pool]`, `[[upstream]]`, `[[model]]`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::error::ConfigError;
use super::table::{POOL, TABLE};

/// The one figure of the pool that is a setting of its own.
const STRATEGY: &str = "POOL_STRATEGY";

/// The file as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) server: Server,
    #[serde(default)]
    pub(crate) pool: Pool,
    #[serde(default)]
    pub(crate) upstream: Vec<FileUpstream>,
    #[serde(default)]
    pub(crate) model: Vec<FileModel>,
}

/// `[server]`: the settings of the table in lower case, by their environment names.
#[derive(Default)]
pub(crate) struct Server(pub(crate) BTreeMap<String, String>);

/// `[pool]`: the pool's figures, by their names in the table.
#[derive(Default)]
pub(crate) struct Pool(pub(crate) BTreeMap<String, String>);

/// `[[upstream]]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileUpstream {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) url: Option<String>,
    pub(crate) max_concurrency_per_credential: Option<u32>,
    pub(crate) requests_per_minute_per_credential: Option<u32>,
    #[serde(default)]
    pub(crate) any_model: bool,
    #[serde(default)]
    pub(crate) trace: bool,
    #[serde(default)]
    pub(crate) credentials: Vec<FileCredential>,
}

/// One credential: where it is, or itself.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileCredential {
    pub(crate) env: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) value: Option<String>,
}

/// `[[model]]`: an alias.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileModel {
    pub(crate) name: String,
    pub(crate) serve: Vec<String>,
}

impl File {
    /// Parses a file, its path and its text; one that is not there says nothing.
    pub(crate) fn of(file: Option<&(String, String)>) -> Result<Self, ConfigError> {
        file.map_or_else(|| Ok(Self::default()), |(path, text)| Self::parse(path, text))
    }

    /// Parses `text`; `path` is named in errors.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, ConfigError> {
        let file: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            let message = hide_strings(error.message());
            ConfigError::new(format!("`{path}`, line {line}: {message}"))
        })?;
        file.with_strategy(path)
    }

    /// Parses what a file would hold from JSON; `name` is named in errors.
    pub(crate) fn from_json(name: &str, json: &str) -> Result<Self, ConfigError> {
        let no_table = |error| ConfigError::new(format!("`{name}` is no table in JSON: {error}"));
        let table: Map<String, Value> = serde_json::from_str(json).map_err(no_table)?;
        let table = Value::Object(table);
        let file: Self = serde_path_to_error::deserialize(table).map_err(|error| {
            let message = hide_strings(&error.inner().to_string());
            ConfigError::new(format!("`{name}`, at `{}`: {message}", error.path()))
        })?;
        file.with_strategy(name)
    }

    /// Moves the figure of the pool that is a setting to the settings.
    fn with_strategy(mut self, path: &str) -> Result<Self, ConfigError> {
        if let Some(strategy) = self.pool.0.remove(STRATEGY)
            && self.server.0.insert(STRATEGY.to_owned(), strategy).is_some()
        {
            let wrong = "`pool_strategy` in [server] and `strategy` in [pool]: give one of the two";
            return Err(ConfigError::new(format!("`{path}`: {wrong}")));
        }
        Ok(self)
    }
}

/// Takes out what the file's author put between quotes: it may be a secret in the wrong place.
fn hide_strings(message: &str) -> String {
    match message.find('"').zip(message.rfind('"')) {
        // From the first quote to the last: what stands between may hold quotes itself.
        Some((first, last)) => format!("{}\"…\"{}", &message[..first], &message[last + 1..]),
        None => message.to_owned(),
    }
}

impl<'de> Deserialize<'de> for Server {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = "unknown key; `llm2api-server --help` lists the settings, here in lower case";
        deserializer.deserialize_map(TableVisitor { name: server_name, wrong }).map(Self)
    }
}

impl<'de> Deserialize<'de> for Pool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = "unknown key; `llm2api-server config print` lists the figures of the pool";
        deserializer.deserialize_map(TableVisitor { name: pool_name, wrong }).map(Self)
    }
}

/// Reads a table of settings; `name` turns its keys into names, or knows them not.
struct TableVisitor {
    name: fn(&str) -> Option<String>,
    wrong: &'static str,
}

impl<'de> Visitor<'de> for TableVisitor {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut table = BTreeMap::new();
        while let Some(name) = map.next_key_seed(Key(&self))? {
            let Text(text) = map.next_value()?;
            table.insert(name, text);
        }
        Ok(table)
    }
}

/// Reads a key; an error here has the key's line.
struct Key<'a>(&'a TableVisitor);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let key = String::deserialize(deserializer)?;
        (self.0.name)(&key).ok_or_else(|| D::Error::custom(format!("`{key}`: {}", self.0.wrong)))
    }
}

/// Finds what the environment calls a key of `[server]`.
fn server_name(key: &str) -> Option<String> {
    let known = TABLE.iter().any(|setting| {
        let rest = key.strip_prefix(&setting.key());
        rest == Some("") || (setting.takes_file() && rest == Some("_file"))
    });
    known.then(|| key.to_ascii_uppercase())
}

/// Finds what the table calls a key of `[pool]`.
fn pool_name(key: &str) -> Option<String> {
    if key == "strategy" {
        return Some(STRATEGY.to_owned());
    }
    let name = format!("pool.{key}");
    POOL.iter().any(|setting| setting.name == name).then_some(name)
}

/// A value of such a table: a text, a number, a switch or a list of texts.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number, a switch or a list of texts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_bool<E>(self, switch: bool) -> Result<Text, E> {
        Ok(Text(switch.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text, A::Error> {
        let mut text = String::new();
        while let Some(item) = items.next_element::<String>()? {
            text.push_str(&item);
            text.push('\n');
        }
        Ok(Text(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Err(A::Error::custom("a setting cannot be a table"))
    }
}
