use std::fmt::Write as _;

use secrecy::ExposeSecret;

use super::*;
use crate::config::StoreConfig;

/// 32 bytes in base64.
const SEAL: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A file of two upstreams, which needs `TEAM_COOKIE` in the environment.
const TEAM: &str = r#"{
    "server": {"queue_timeout": 5, "searxng_url": "http://127.0.0.1:8888"},
    "pool": {"strategy": "round-robin", "queue_limit": 7},
    "upstream": [
        {"name": "team", "kind": "chat-ui", "url": "https://chat.example.org",
         "credentials": [{"env": "TEAM_COOKIE"}, {"value": "canary"}]},
        {"name": "local", "kind": "openai", "url": "http://127.0.0.1:8080/v1", "any_model": true}
    ],
    "model": [{"name": "llama", "serve": ["team/a", "local/b"]}]
}"#;

fn level(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect()
}

fn sources(keywords: &[(&str, &str)], environment: &[(&str, &str)], json: &str) -> ClientSources {
    let (keywords, environment) = (level(keywords), level(environment));
    ClientSources { keywords, environment, file: ClientFile::Table(json.into()), reader: None }
}

fn read(keywords: &[(&str, &str)], environment: &[(&str, &str)], json: &str) -> Config {
    sources(keywords, environment, json).config().expect("in order")
}

#[test]
fn a_keyword_counts_over_the_environment_and_that_over_the_file() {
    let file = r#"{"server": {"queue_timeout": 1, "connect_timeout": "2s", "total_timeout": 9}}"#;
    let environment = [("QUEUE_TIMEOUT", "3s"), ("CONNECT_TIMEOUT", "4s")];
    let limits = read(&[("QUEUE_TIMEOUT", "5s")], &environment, file).limits;
    let seconds = [limits.queue_timeout, limits.connect_timeout].map(|wait| wait.as_secs());
    assert_eq!((seconds, limits.total_timeout.map(|wait| wait.as_secs())), ([5, 4], Some(9)));
    let unset = read(&[("QUEUE_TIMEOUT", " ")], &environment, file).limits;
    assert_eq!(unset.queue_timeout.as_secs(), 3, "empty means unset");
}

#[test]
fn a_keyword_counts_over_the_file_that_the_environment_names() {
    let environment = [("COOKIES_FILE", "/no/such/file"), ("MASTER_KEY_FILE", "/nor/this")];
    let url = ("UPSTREAM_URL", "https://chat.example.org");
    let config = read(&[("COOKIES", "a=1"), ("MASTER_KEY", SEAL), url], &environment, "{}");
    assert_eq!(config.upstreams[0].credentials[0].expose_secret(), "a=1");
    let error = sources(&[url], &environment, "{}").config().expect_err("no such file");
    assert!(error.to_string().contains("COOKIES_FILE"), "{error}");
}

#[test]
fn credentials_of_one_upstream_do_not_go_to_another() {
    let url = ("UPSTREAM_URL", "http://127.0.0.1:9/v1");
    let other = [("UPSTREAM_URL", "https://chat.example.org"), ("UPSTREAM_KIND", "chat-ui")];
    let count = |keywords: &[_], environment: &[_], file: &str| {
        let upstream = read(keywords, environment, file).upstreams.swap_remove(0);
        (upstream.kind, upstream.credentials.len())
    };
    let with = |secret: (&'static str, &'static str)| [other[0], other[1], secret];
    for secret in [("COOKIES", "hf-chat=canary"), ("COOKIES_FILE", "/no/such/file")] {
        assert_eq!(count(&[url], &with(secret), "{}"), ("openai".to_owned(), 0));
    }
    let file = r#"{"server": {"upstream_url": "https://chat.example.org", "cookies": "a=1"}}"#;
    assert_eq!(count(&[url], &[], file), ("openai".to_owned(), 0));
    let demo = ("UPSTREAM_KIND", "demo");
    assert_eq!(count(&[demo], &with(("COOKIES", "a=1")), file), ("demo".to_owned(), 0));
    // What is said of the same one, or of none, is meant.
    assert_eq!(count(&[url], &[url, ("COOKIES", "sk-1")], "{}"), ("openai".to_owned(), 1));
    assert_eq!(count(&[url], &[("COOKIES", "sk-1,sk-2")], "{}"), ("openai".to_owned(), 2));
}

#[test]
fn what_is_the_servers_is_not_looked_at() {
    let servers = TABLE.iter().filter(|setting| !parts::client(setting));
    let environment: Vec<_> = servers.map(|setting| (setting.name, "")).collect();
    let wrong: Vec<_> = environment.iter().map(|(name, _)| (*name, "?/:b")).collect();
    let lower = wrong.iter().map(|(name, text)| (name.to_ascii_lowercase(), *text));
    let server: BTreeMap<_, _> = lower.collect();
    let file = serde_json::json!({ "server": server }).to_string();
    for environment in [environment, wrong] {
        let config = read(&[], &environment, &file);
        let untouched = read(&[], &[], "{}");
        assert_eq!(format!("{config:?}"), format!("{untouched:?}"));
        assert!(config.api_keys.is_empty() && config.warnings.is_empty(), "{config:?}");
    }
}

#[test]
fn the_file_counts_whole() {
    let config = read(&[], &[("TEAM_COOKIE", "hf-chat=x")], TEAM);
    let names = config.upstreams.iter().map(|upstream| upstream.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["team", "local"]);
    assert_eq!(config.upstreams[0].credentials.len(), 2);
    assert_eq!((config.aliases.len(), config.pool.queue_limit), (1, 7));
    assert!(config.upstreams[1].any_model && config.search.is_some());
}

#[test]
fn whoever_names_an_upstream_means_it_alone() {
    let url = ("UPSTREAM_URL", "http://127.0.0.1:1/v1");
    for keyword in [url, ("UPSTREAM_KIND", "demo")] {
        let config = read(&[keyword], &[], TEAM);
        assert_eq!((config.upstreams.len(), config.aliases.len()), (1, 0), "{keyword:?}");
        assert_eq!((config.pool.queue_limit, config.limits.queue_timeout.as_secs()), (7, 5));
    }
    for keyword in [("UPSTREAM_URL", ""), ("UPSTREAM_KIND", "auto"), ("QUEUE_TIMEOUT", "1s")] {
        let config = read(&[keyword], &[("TEAM_COOKIE", "hf-chat=x")], TEAM);
        assert_eq!(config.upstreams.len(), 2, "{keyword:?}");
    }
    let both = sources(&[], &[("TEAM_COOKIE", "hf-chat=x"), url], TEAM);
    assert!(both.config().is_err(), "the environment and the file are of one operator");
}

#[test]
fn nothing_is_kept_unless_a_place_is_named() {
    let store = |keywords: &[(&str, &str)]| read(keywords, &[("DATA_DIR", "/srv")], "{}").store;
    assert!(matches!(store(&[]), StoreConfig::Memory));
    let StoreConfig::Sqlite(path) = store(&[("STORE_URL", "sqlite:x.db")]) else {
        panic!("a file");
    };
    assert_eq!(path, PathBuf::from("x.db"));
    let redis = [("STORE_URL", "redis://me:canary@store:6379"), ("MASTER_KEY", SEAL)];
    assert!(matches!(store(&redis), StoreConfig::Redis(_)), "a keyword is no command line");
}

#[test]
fn what_calls_are_in_doubt_of_is_warned_of() {
    let of =
        |keywords| read(keywords, &[("API_KEY", "sk"), ("LISTEN", "0.0.0.0:1")], "{}").warnings;
    assert!(of(&[]).is_empty());
    let warnings = of(&[("TOOL_ALL_IN_ONE", "true"), ("AUTH_CODE", "canary")]);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn documents_are_read_by_the_program_that_is_named() {
    let reader = Program::new("/usr/bin/python3").with_arguments(["-m", "llm2api"]);
    let sources = ClientSources { reader: Some(reader.clone()), ..sources(&[], &[], "{}") };
    assert_eq!(sources.config().expect("in order").document_reader, Some(reader));
}

#[test]
fn a_file_is_read_from_its_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("team.toml");
    let read = |path: PathBuf| {
        ClientSources { file: ClientFile::Path(path), ..ClientSources::default() }.config()
    };
    let error = read(path.clone()).expect_err("not there").to_string();
    assert!(error.starts_with("`config` is `") && error.contains("team.toml"), "{error}");
    std::fs::write(&path, "[server]\nqueue_timeout = 7\nlisten = \"?\"\n").expect("room");
    assert_eq!(read(path).expect("in order").limits.queue_timeout.as_secs(), 7);
}

#[test]
fn secrets_are_not_shown() {
    let keywords = [("COOKIES", "canary")];
    let all = format!("{:?}", sources(&keywords, &[("AUTH_CODE", "canary")], TEAM));
    assert!(!all.contains("canary") && all.contains("COOKIES"), "{all}");
}

#[test]
fn every_mistake_is_named() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("LISTEN", "127.0.0.1:1")], "{}"),
        (&[("COOKIES_FILE", "/run/canary")], "{}"),
        (&[("queue_timeout", "canary")], "{}"),
        (&[("QUEUE_TIMEOUT", "soon")], "{}"),
        (&[("AUTH_CODE", "")], "{}"),
        (&[("STORE_URL", "redis://me:canary@store:6379")], "{}"),
        (&[], "canary"),
        (&[], "[]"),
        (&[], r#"{"surprise": "canary"}"#),
        (&[], r#"{"server": {"lissten": "canary"}}"#),
        (&[], r#"{"server": {"queue_timeout": null}}"#),
        (&[], r#"{"server": {"queue_timeout": 0.5}}"#),
        (&[], r#"{"server": {"queue_timeout": {"seconds": 1}}}"#),
        (&[], r#"{"server": {"queue_timeout": "soon"}}"#),
        (&[], r#"{"pool": {"weak_error": 5}}"#),
        (&[], r#"{"server": {"pool_strategy": "x"}, "pool": {"strategy": "y"}}"#),
        (&[], r#"{"upstream": {"name": "a"}}"#),
        (&[], r#"{"upstream": [{"name": "a"}]}"#),
        (&[], r#"{"upstream": [{"name": "a", "kind": "demo", "urll": "canary"}]}"#),
        (&[], r#"{"upstream": [{"name": "a", "kind": "demo", "credentials": ["canary"]}]}"#),
        (&[], r#"{"upstream": [{"name": "a", "kind": "demo", "credentials": [{"env": "NO"}]}]}"#),
    ];
    let mut table = String::new();
    for (keywords, file) in cases {
        let error = sources(keywords, &[], file).config().expect_err(file).to_string();
        assert!(!error.contains("canary"), "{error}");
        writeln!(table, "{error}").expect("a String takes everything");
    }
    insta::assert_snapshot!(table);
}
