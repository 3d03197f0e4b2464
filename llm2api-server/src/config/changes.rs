//! What differs between two readings of the settings: by name, never by value.

use std::fmt;

use secrecy::ExposeSecret;

use super::settings::{FileUpstreamWith, Settings};
use super::table::{FIXED, POOL, TABLE};

/// The names of all that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Settings that hold from now on.
    pub(crate) settings: Vec<String>,
    /// Upstreams.
    pub(crate) upstreams: Vec<String>,
    /// Aliases of models.
    pub(crate) models: Vec<String>,
    /// Settings that hold from the next start on.
    pub(crate) fixed: Vec<String>,
}

impl Changes {
    /// Compares two readings.
    pub(crate) fn between(old: &Settings, new: &Settings) -> Self {
        let rows = TABLE.iter().chain(POOL).map(|setting| setting.name);
        let differs = |name: &&str| old.text(name) != new.text(name);
        let (fixed, settings): (Vec<_>, Vec<_>) =
            rows.filter(differs).map(str::to_owned).partition(|name| FIXED.contains(&&**name));
        Self {
            settings,
            upstreams: differing(&upstreams(old), &upstreams(new)),
            models: differing(&models(old), &models(new)),
            fixed,
        }
    }

    /// Says whether nothing differs that could be taken up now.
    pub(crate) fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.upstreams.is_empty() && self.models.is_empty()
    }
}

/// What is compared of an upstream.
#[derive(PartialEq, Eq)]
struct Upstream<'a> {
    kind: &'a str,
    url: Option<&'a str>,
    limits: (Option<u32>, Option<u32>),
    any_model: bool,
    trace: bool,
    credentials: Vec<&'a str>,
}

impl<'a> Upstream<'a> {
    fn of((upstream, credentials): &'a FileUpstreamWith) -> Self {
        Self {
            kind: &upstream.kind,
            url: upstream.url.as_deref(),
            limits: (
                upstream.max_concurrency_per_credential,
                upstream.requests_per_minute_per_credential,
            ),
            any_model: upstream.any_model,
            trace: upstream.trace,
            credentials: credentials.iter().map(ExposeSecret::expose_secret).collect(),
        }
    }
}

fn upstreams(settings: &Settings) -> Vec<(&str, Upstream<'_>)> {
    settings.upstreams.iter().map(|one| (one.0.name.as_str(), Upstream::of(one))).collect()
}

fn models(settings: &Settings) -> Vec<(&str, &[String])> {
    settings.models.iter().map(|one| (one.name.as_str(), &*one.serve)).collect()
}

/// Names what is on one side only, or not the same on both.
fn differing<T: PartialEq>(old: &[(&str, T)], new: &[(&str, T)]) -> Vec<String> {
    let gone = old.iter().filter(|(name, _)| !new.iter().any(|(other, _)| other == name));
    let other = new.iter().filter(|item| !old.contains(item));
    let mut names: Vec<_> = gone.chain(other).map(|(name, _)| (*name).to_owned()).collect();
    names.sort();
    names
}

/// The three lists of what holds now.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("settings", &self.settings),
            ("upstreams", &self.upstreams),
            ("models", &self.models),
        ];
        let mut first = true;
        for (what, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
            let before = if std::mem::take(&mut first) { "" } else { "; " };
            write!(f, "{before}{what} {}", names.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn settings(text: &str) -> Settings {
        let file = Some(("llm2api.toml".to_owned(), text.to_owned()));
        Settings::resolve(&Sources { file, ..Sources::default() }).expect("valid")
    }

    const OLD: &str = r#"
        [server]
        api_key = "sk-canary"
        listen = "127.0.0.1:1"
        [[upstream]]
        name = "a"
        kind = "openai"
        url = "http://a.example"
        credentials = [{ value = "canary-1" }]
        [[upstream]]
        name = "b"
        kind = "demo"
        [[model]]
        name = "x"
        serve = ["a/m"]
    "#;

    #[test]
    fn what_differs_is_named_and_nothing_is_shown() {
        let new = OLD
            .replace("sk-canary", "sk-canary-2")
            .replace("127.0.0.1:1", "127.0.0.1:2")
            .replace("canary-1", "canary-2")
            .replace("name = \"b\"", "name = \"c\"")
            .replace("\"x\"", "\"y\"")
            + "[pool]\nweak_errors = 9\n";
        let (old, mut new) = (settings(OLD), settings(&new));
        let changes = Changes::between(&old, &new);
        let expected = "settings API_KEY, pool.weak_errors; upstreams a, b, c; models x, y";
        assert_eq!(changes.to_string(), expected);
        assert_eq!(changes.fixed, ["LISTEN"]);
        new.keep_fixed(&old);
        assert_eq!(new.config().expect("valid").listen.port(), 1);
        assert!(Changes::between(&old, &new).fixed.is_empty());
    }

    #[test]
    fn the_same_is_no_change() {
        let changes = Changes::between(&settings(OLD), &settings(OLD));
        assert!(changes.is_empty() && changes.to_string().is_empty());
        assert_eq!(changes, Changes::default());
    }

    #[test]
    fn what_is_fixed_is_in_the_table() {
        for name in FIXED {
            assert!(TABLE.iter().any(|setting| setting.name == *name), "{name}");
        }
    }
}
