//! Which upstreams there are: one from the settings, several from the file, or the demo.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::error::ConfigError;
use super::file::{FileModel, FileUpstream};
use super::model::{Alias, Upstream};
use super::settings::Settings;
use super::table::check_url;
use super::value;

const KIND: &str = "UPSTREAM_KIND";
const URL: &str = "UPSTREAM_URL";
const COOKIES: [&str; 2] = ["COOKIES", "COOKIES_FILE"];
/// As if nobody had said anything.
const AUTO: &str = "auto";
const DEMO: &str = "demo";
const KINDS: [&str; 4] = ["chat-ui", "openai", "open-webui", DEMO];

/// Lists the upstreams; there is always one.
pub(super) fn upstreams(
    settings: &Settings,
    concurrency: u32,
) -> Result<Vec<Upstream>, ConfigError> {
    if settings.upstreams.is_empty() {
        return Ok(vec![single(settings, concurrency)?]);
    }
    if let Some(name) =
        [KIND, URL, "COOKIES"].into_iter().find(|name| says(name, settings.text(name)))
    {
        return Err(ConfigError::new(format!(
            "`{name}` is set and the file has [[upstream]]: say it in one of the two places"
        )));
    }
    let mut all: Vec<Upstream> = Vec::new();
    for (upstream, credentials) in &settings.upstreams {
        let upstream = from_file(upstream, credentials, concurrency)?;
        if all.iter().any(|other| other.name == upstream.name) {
            let right = "two upstreams have this name: give each its own";
            return Err(ConfigError::bad("upstream.name", &upstream.name, right));
        }
        all.push(upstream);
    }
    Ok(all)
}

/// Makes the one upstream that `UPSTREAM_KIND`, `UPSTREAM_URL` and `COOKIES` describe.
fn single(settings: &Settings, max_concurrency: u32) -> Result<Upstream, ConfigError> {
    let url = Some(settings.text(URL)).filter(|url| !url.is_empty());
    let kind = if says(KIND, settings.text(KIND)) { settings.text(KIND) } else { kind_at(url) };
    let cookies = settings.text("COOKIES");
    if kind == DEMO && !cookies.is_empty() {
        let wrong = "is set, but there is no upstream to use it with: set UPSTREAM_URL";
        return Err(ConfigError::bad_secret("COOKIES", wrong));
    }
    check_kind(KIND, kind, URL, url)?;
    Ok(Upstream {
        kind: kind.to_owned(),
        name: kind.to_owned(),
        url: url.map(str::to_owned),
        credentials: value::list(cookies).map(SecretString::from).collect(),
        max_concurrency,
        requests_per_minute: None,
        any_model: false,
        trace: false,
    })
}

/// Says whether one upstream is named among settings, by its kind or its URL.
pub(super) fn names_one(settings: &BTreeMap<String, String>) -> bool {
    said(settings, KIND).or(said(settings, URL)).is_some()
}

/// Leaves out of `lower` settings what they say of another upstream than `higher` ones name: its
/// credentials are for nobody else.
pub(super) fn give_way(lower: &mut BTreeMap<String, String>, higher: &BTreeMap<String, String>) {
    let is_demo = said(higher, KIND) == Some(DEMO);
    let another = |url| said(lower, URL).is_some_and(|known| known != url);
    if is_demo || said(higher, URL).is_some_and(another) {
        lower.retain(|name, _| ![KIND, URL].contains(&&**name) && !COOKIES.contains(&&**name));
    }
}

fn said<'a>(settings: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    settings.get(name).map(|text| text.trim()).filter(|text| says(name, text))
}

fn says(name: &str, text: &str) -> bool {
    !text.is_empty() && (name != KIND || text != AUTO)
}

/// Tells what is at a base URL: `/v1` is the end of an OpenAI-compatible one, and of no chat-ui's.
fn kind_at(url: Option<&str>) -> &'static str {
    let Some(url) = url else { return DEMO };
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    let last = path.and_then(|(_, path)| path.trim_end_matches('/').rsplit('/').next());
    if last == Some("v1") { "openai" } else { "chat-ui" }
}

fn from_file(
    upstream: &FileUpstream,
    credentials: &[SecretString],
    concurrency: u32,
) -> Result<Upstream, ConfigError> {
    let FileUpstream { name, kind, .. } = upstream;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        let right =
            "write letters, digits, `-`, `_` and `.`: it stands before the `/` in model ids";
        return Err(ConfigError::bad("upstream.name", name, right));
    }
    check_kind("upstream.kind", kind, "upstream.url", upstream.url.as_deref())?;
    let max_concurrency = upstream.max_concurrency_per_credential.unwrap_or(concurrency);
    if max_concurrency == 0 {
        let right = "write a whole number of at least 1";
        return Err(ConfigError::bad("upstream.max_concurrency_per_credential", "0", right));
    }
    Ok(Upstream {
        kind: kind.clone(),
        name: name.clone(),
        url: upstream.url.clone(),
        credentials: credentials.to_vec(),
        max_concurrency,
        requests_per_minute: upstream.requests_per_minute_per_credential,
        any_model: upstream.any_model,
        trace: upstream.trace,
    })
}

/// Checks the kind, and that it has a URL exactly where it needs one.
fn check_kind(
    name: &str,
    kind: &str,
    url_name: &str,
    url: Option<&str>,
) -> Result<(), ConfigError> {
    if !KINDS.contains(&kind) {
        let right = format!("write one of {}", KINDS.join(", "));
        return Err(ConfigError::bad(name, kind, &right));
    }
    match url {
        None if kind != DEMO => {
            Err(ConfigError::bad(name, kind, &format!("it needs a base URL: set {url_name}")))
        }
        Some(_) if kind == DEMO => {
            Err(ConfigError::bad(name, kind, &format!("it has no address: unset {url_name}")))
        }
        Some(url) => check_url(url_name, url),
        None => Ok(()),
    }
}

/// Lists the aliases; each must lead to upstreams that exist.
pub(super) fn aliases(
    settings: &Settings,
    upstreams: &[Upstream],
) -> Result<Vec<Alias>, ConfigError> {
    let known = |target: &&String| {
        let upstream = target.split_once('/').map(|(upstream, _)| upstream);
        upstreams.iter().any(|other| Some(other.name.as_str()) == upstream)
    };
    for (at, model) in settings.models.iter().enumerate() {
        if settings.models[..at].iter().any(|other| other.name == model.name) {
            let right = "two [[model]] have this name: name all that serve it in one `serve`";
            return Err(ConfigError::bad("model.name", &model.name, right));
        }
        if model.name.is_empty() || model.serve.is_empty() {
            let right = "an alias needs a name and at least one `upstream/model` in `serve`";
            return Err(ConfigError::bad("model.name", &model.name, right));
        }
        if let Some(target) = model.serve.iter().find(|target| !known(target)) {
            let right = "write `upstream/model` with the name of an [[upstream]]";
            return Err(ConfigError::bad("model.serve", target, right));
        }
    }
    let alias = |model: &FileModel| Alias { name: model.name.clone(), serve: model.serve.clone() };
    Ok(settings.models.iter().map(alias).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn a_url_says_what_is_there() {
        for url in ["http://a/v1", "http://a:1/v1/", "https://a.example/api/v1"] {
            assert_eq!(kind_at(Some(url)), "openai", "{url}");
        }
        for url in ["https://a", "https://a/", "https://v1", "https://a/v1/chat", "https://a/xv1"] {
            assert_eq!(kind_at(Some(url)), "chat-ui", "{url}");
        }
        assert_eq!(kind_at(None), DEMO);
    }

    #[test]
    fn auto_is_as_good_as_nothing() {
        let kind = |wanted: &str, url: &str, file: &str| {
            let pairs = [(KIND, wanted), (URL, url)];
            let environment = pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
            let file = Some(("llm2api.toml".to_owned(), file.to_owned()));
            let sources = Sources { environment, file, ..Sources::default() };
            let config = Settings::resolve(&sources).and_then(|settings| settings.config());
            config.expect("in order").upstreams.remove(0).kind
        };
        assert_eq!(kind(AUTO, "http://127.0.0.1:8080/v1", ""), "openai");
        assert_eq!(kind("chat-ui", "http://127.0.0.1:8080/v1", ""), "chat-ui");
        assert_eq!(kind(AUTO, "", ""), DEMO);
        let file = "[[upstream]]\nname = \"x\"\nkind = \"openai\"\nurl = \"http://x\"\n";
        assert_eq!(kind(AUTO, "", file), "openai");
    }
}
