use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use llm2api_core::pool::{PoolRules, Strategy};
use secrecy::ExposeSecret;

use super::*;

fn pairs(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect()
}

fn sources(environment: &[(&str, &str)]) -> Sources {
    let read = |path: &str| match path {
        "/run/key" => Ok("sk-file\n".to_owned()),
        "/run/store" => Ok("rediss://me:canary@store:6379/1\n".to_owned()),
        "/run/auth.pub" => Ok(format!("{AUTHORITY}\n")),
        "/run/empty" => Ok("\n".to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    Sources { environment: pairs(environment), read, ..Sources::default() }
}

fn with_file(environment: &[(&str, &str)], text: &str) -> Sources {
    Sources { file: Some(("llm2api.toml".into(), text.into())), ..sources(environment) }
}

fn config(sources: &Sources) -> Result<Config, ConfigError> {
    Settings::resolve(sources)?.config()
}

/// The public key of RFC 8032, section 7.1, test 1.
const AUTHORITY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
/// 32 bytes in base64.
const SEAL: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SEAL_FOR_URLS: &str = "__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA";

const FILE: &str = r#"
[server]
listen = "127.0.0.1:1000"
queue_timeout = 5
connect_timeout = "250ms"
allow_open = true
api_key = ["sk-one", "sk-two"]

[[upstream]]
name = "team-chat"
kind = "chat-ui"
url = "https://chat.example.org"
max_concurrency_per_credential = 2
requests_per_minute_per_credential = 20

[[upstream]]
name = "local"
kind = "openai"
url = "http://127.0.0.1:8080/v1"
any_model = true
trace = true
credentials = [{ env = "LOCAL_KEY" }, { file = "/run/key" }, { value = "sk-canary" }]

[[model]]
name = "llama"
serve = ["team-chat/meta-llama/Llama", "local/llama-3.1"]
"#;

#[test]
fn defaults_need_nothing() {
    let config = config(&sources(&[])).expect("valid");
    assert!(config.api_keys.is_empty());
    assert_eq!(config.limits, llm2api_core::Limits::default(), "the table and core agree");
    assert_eq!(config.pool, PoolRules::default(), "the table and core agree");
    insta::assert_snapshot!(format!("{config:#?}"));
}

#[test]
fn a_flag_counts_over_the_environment_and_that_over_the_file() {
    let mut sources = with_file(&[("LISTEN", "127.0.0.1:2000"), ("LOCAL_KEY", "x")], FILE);
    assert_eq!(config(&sources).expect("valid").listen.port(), 2000);
    sources.flags = pairs(&[("LISTEN", "127.0.0.1:3000")]);
    assert_eq!(config(&sources).expect("valid").listen.port(), 3000);
    sources.flags = pairs(&[("LISTEN", "")]);
    sources.environment.remove("LISTEN");
    assert_eq!(config(&sources).expect("valid").listen.port(), 1000, "empty means unset");
}

#[test]
fn everything_is_shown_but_secrets() {
    let environment = [("LOCAL_KEY", "sk-canary"), ("ADMIN_KEY", "canary"), ("API_PATH", "/a/b/")];
    let sources = with_file(&environment, FILE);
    let settings = Settings::resolve(&sources).expect("valid");
    let config = settings.config().expect("valid");
    let all = format!("{settings}\n{settings:?}\n{config:#?}\n{sources:?}");
    for secret in ["canary", "sk-one", "sk-two", "sk-file"] {
        assert!(!all.contains(secret), "{secret} is shown");
    }
    insta::assert_snapshot!(format!("{settings}---\n{config:#?}"));
}

#[test]
fn secrets_may_come_from_files() {
    let config = config(&sources(&[("API_KEY_FILE", "/run/key")])).expect("valid");
    assert_eq!(config.api_keys.len(), 1);
}

#[test]
fn bare_cookies_and_sets_are_told_apart_by_commas_and_newlines() {
    let cookies = "a=1; b=2,\n bare ,, c=3\n";
    let environment = [("UPSTREAM_URL", "https://chat.example.org"), ("COOKIES", cookies)];
    let config = config(&sources(&environment)).expect("valid");
    assert_eq!(config.upstreams[0].kind, "chat-ui");
    assert_eq!(config.upstreams[0].credentials.len(), 3);
}

#[test]
fn figures_are_the_operators_unless_said_otherwise() {
    let of = |pairs: &[(&str, &str)]| config(&sources(pairs)).expect("valid").metrics;
    let unset = of(&[]);
    assert_eq!((unset.listen, unset.public, unset.gen_ai), (None, false, false));
    let set = of(&[("METRICS_LISTEN", "127.0.0.1:9100"), ("METRICS_PUBLIC", "true")]);
    assert_eq!((set.listen.map(|address| address.port()), set.public), (Some(9100), true));
}

#[test]
fn a_code_is_checked_by_whoever_is_set() {
    let of = |pairs: &[(&str, &str)]| {
        let pairs = [&[("AUTH_CODE", "canary")], pairs].concat();
        let config = config(&sources(&pairs)).expect("valid");
        assert!(!format!("{config:?}").contains("canary"));
        (config.authorisation, config.warnings.join("\n"))
    };
    let (nothing, warning) = of(&[]);
    assert!(nothing.is_none() && warning.contains("nobody checks it"), "{warning}");

    let (remote, warning) = of(&[("AUTH_URL", "https://auth.example.org/verify")]);
    let remote = remote.expect("an authority");
    assert_eq!((remote.grace.as_secs(), remote.public_key), (86_400, None));
    assert!(warning.contains("set CHECK_INTERVAL"), "{warning}");
    assert_eq!(remote.code.expose_secret(), "canary");

    let checked = of(&[("AUTH_URL", "https://auth.example.org"), ("CHECK_INTERVAL", "10")]);
    assert_eq!(checked.1, "");
    let signed = of(&[("AUTH_PUBLIC_KEY_FILE", "/run/auth.pub")]);
    assert_eq!(signed.1, "", "nobody can be asked");

    let (both, warning) = of(&[
        ("AUTH_URL", "http://auth.example.org"),
        ("AUTH_PUBLIC_KEY_FILE", "/run/auth.pub"),
        ("AUTH_GRACE", "0"),
    ]);
    let both = both.expect("an authority");
    assert!(both.public_key.is_some() && both.grace.is_zero());
    assert!(warning.contains("use https://"), "{warning}");
}

#[test]
fn the_first_client_key_is_the_operators_unless_there_is_one() {
    let of = |pairs: &[(&str, &str)]| {
        let config = config(&sources(pairs)).expect("valid");
        let key = config.admin_key.map(|key| key.expose_secret().to_owned());
        (key, config.warnings.iter().any(|warning| warning.contains("ADMIN_KEY")))
    };
    assert_eq!(of(&[]), (None, false));
    assert_eq!(of(&[("API_KEY", "one, two")]), (Some("one".to_owned()), true));
    assert_eq!(of(&[("API_KEY", "one"), ("ADMIN_KEY", "x")]), (Some("x".to_owned()), false));
}

#[test]
fn the_store_is_a_file_unless_said_otherwise() {
    let store = |pairs: &[(&str, &str)]| config(&sources(pairs)).expect("valid").store;
    let path = |store| match store {
        StoreConfig::Sqlite(path) => path.display().to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(path(store(&[])), "./data/llm2api.db");
    assert_eq!(path(store(&[("DATA_DIR", "/srv")])), "/srv/llm2api.db");
    assert_eq!(path(store(&[("STORE_URL", "sqlite:x/y.db")])), "x/y.db");
    assert!(matches!(store(&[("STORE_URL", "memory:")]), StoreConfig::Memory));
}

#[test]
fn a_redis_is_never_shown_and_needs_a_key() {
    let seals = format!("{SEAL_FOR_URLS}, {SEAL}");
    let pairs = [("STORE_URL_FILE", "/run/store"), ("MASTER_KEY", &seals)];
    let sources = sources(&pairs);
    let settings = Settings::resolve(&sources).expect("valid");
    let config = settings.config().expect("valid");
    let StoreConfig::Redis(url) = &config.store else { panic!("{:?}", config.store) };
    assert_eq!(url.expose_secret(), "rediss://me:canary@store:6379/1");
    let all = format!("{settings}\n{settings:?}\n{config:#?}\n{sources:?}");
    for secret in ["canary", "store:6379", SEAL] {
        assert!(!all.contains(secret), "{secret} is shown");
    }
    assert!(all.contains("STORE_URL=rediss://***  # environment"), "{all}");
}

#[test]
fn a_password_is_no_flag() {
    let mut sources = sources(&[("MASTER_KEY", SEAL)]);
    sources.flags = pairs(&[("STORE_URL", "redis://me:canary@store:6379")]);
    let error = config(&sources).expect_err("everybody can read it").to_string();
    assert!(error.contains("STORE_URL_FILE") && !error.contains("canary"), "{error}");
    sources.flags = pairs(&[("STORE_URL", "redis://store:6379")]);
    assert!(config(&sources).is_ok());
}

#[test]
fn checks_are_minutes_apart_and_may_be_off() {
    let interval =
        |text| config(&sources(&[("CHECK_INTERVAL", text)])).expect("valid").check_interval;
    assert_eq!(interval("5"), Some(Duration::from_secs(300)));
    assert_eq!(interval("10s"), Some(Duration::from_secs(10)));
    assert_eq!((interval("0"), interval("")), (None, None));
}

#[test]
fn the_file_sets_the_figures_of_the_pool() {
    let text = "[pool]\nstrategy = \"round-robin\"\nqueue_limit = 0\nweak_errors = 7\n\
                weak_rest = \"1500ms\"\nslow_start = 0\n";
    let pool = config(&with_file(&[], text)).expect("valid").pool;
    let mut expected = PoolRules::default();
    (expected.strategy, expected.queue_limit) = (Strategy::RoundRobin, 0);
    (expected.weak_errors, expected.weak_rest) = (7, Duration::from_millis(1500));
    expected.slow_start = Duration::ZERO;
    assert_eq!(pool, expected);
    let environment = [("POOL_STRATEGY", "least-loaded")];
    let pool = config(&with_file(&environment, text)).expect("valid").pool;
    assert_eq!(pool.strategy, Strategy::LeastLoaded, "the environment counts over the file");
}

#[test]
fn an_open_address_needs_a_key_or_a_yes() {
    let open = ("LISTEN", "0.0.0.0:9999");
    let openness = |pairs: &[(&str, &str)]| config(&sources(pairs)).expect("valid").openness;
    assert_eq!(openness(&[open]), Openness::Nobody);
    assert_eq!(openness(&[open, ("ALLOW_OPEN", "true")]), Openness::Everybody);
    assert_eq!(openness(&[]), Openness::Machine);
    let keys = [open, ("API_KEY", "k"), ("ADMIN_KEY", "a")];
    assert!(config(&sources(&keys)).expect("valid").warnings.is_empty());
    assert_eq!(config(&sources(&[open, ("ALLOW_OPEN", "true")])).expect("valid").warnings.len(), 1);
    assert!(config(&sources(&[("LISTEN", "[::1]:9999")])).is_ok());
}

#[test]
fn every_mistake_in_the_environment_is_named() {
    let cases: &[&[(&str, &str)]] = &[
        &[("LISTEN", "everywhere")],
        &[("API_KEY", "")],
        &[("API_KEY", " , ,")],
        &[("ADMIN_KEY", "")],
        &[("AUTH_CODE", "")],
        &[("AUTH_URL", "https://auth.example.org")],
        &[("AUTH_PUBLIC_KEY", "x"), ("AUTH_CODE", "canary")],
        &[("AUTH_PUBLIC_KEY", AUTHORITY)],
        &[("AUTH_PUBLIC_KEY_FILE", "/run/auth.pub")],
        &[("AUTH_URL", "auth.example.org"), ("AUTH_CODE", "canary")],
        &[("AUTH_URL", "https://me:canary@auth.example.org"), ("AUTH_CODE", "c")],
        &[
            ("AUTH_CODE", "canary"),
            ("AUTH_CODE_FILE", "/run/key"),
            ("AUTH_URL", "https://a.example"),
        ],
        &[("AUTH_GRACE", "long")],
        &[("API_KEY_FILE", "/nowhere")],
        &[("API_KEY_FILE", "/run/empty")],
        &[("API_KEY", "sk-canary"), ("API_KEY_FILE", "/run/key")],
        &[("ALLOW_OPEN", "maybe")],
        &[("API_PATH", "a/:b")],
        &[("UPSTREAM_KIND", "telepathy")],
        &[("UPSTREAM_KIND", "openai")],
        &[("UPSTREAM_KIND", "demo"), ("UPSTREAM_URL", "http://x")],
        &[("UPSTREAM_URL", "chat.example.org")],
        &[("UPSTREAM_URL", "https://me:sk-canary@chat.example.org")],
        &[("COOKIES", "sk-canary")],
        &[("CONNECT_TIMEOUT", "0")],
        &[("CONNECT_TIMEOUT", "soon")],
        &[("RETRY_MAX_ATTEMPTS", "0")],
        &[("REQUEST_BODY_LIMIT", "big")],
        &[("REQUEST_HEAD_LIMIT", "100")],
        &[("JSON_DEPTH", "129")],
        &[("JSON_DEPTH", "0")],
        &[("BODY_BYTES_IN_FLIGHT", "10MiB")],
        &[("BODY_BYTES_IN_FLIGHT", "1MiB"), ("REQUEST_BODY_LIMIT", "1025KiB")],
        &[("LOG_FORMAT", "xml")],
        &[("RUST_LOG", "!!!")],
        &[("CLIENT_IDLE_TIMEOUT", "10000000000000000000s")],
        &[("UPSTREAM_URL", "http://x/?token=sk-canary")],
        &[("METRICS_LISTEN", "9100")],
        &[("METRICS_LISTEN", "127.0.0.1:9999")],
        &[("METRICS_PUBLIC", "perhaps")],
        &[("AUTH_URL_FILE", "/run/url")],
        &[("STORE_URL", "canary")],
        &[("STORE_URL", "redis:canary")],
        &[("STORE_URL", "sqlite:")],
        &[("STORE_URL", "sqlite:///canary")],
        &[("STORE_URL", "memory:canary")],
        &[("STORE_URL", "redis://me:canary@store:6379")],
        &[("STORE_URL", "memory:"), ("STORE_URL_FILE", "/run/store")],
        &[("MASTER_KEY", "sk-canary")],
        &[("MASTER_KEY", SEAL), ("MASTER_KEY_FILE", "/run/key")],
        &[("CHECK_INTERVAL", "often")],
        &[("POOL_STRATEGY", "best")],
        &[("SEARXNG_URL", "searx.example.org")],
        &[("SEARXNG_URL", "http://me:canary@searx.example.org")],
        &[("SEARXNG_URL", "http://searx.example.org/search?q=canary")],
        &[("TOOL_ALL_IN_ONE", "sometimes")],
        &[("SEARCH_BLOCK", "long")],
        &[("SEARCH_TIMEOUT", "0")],
        &[("SEARCH_RESULTS", "51")],
        &[("SEARCH_RESULT_PAGES", "0")],
        &[("SEARCH_READ_PAGES", "11")],
        &[("SEARCH_TIME_RANGE", "decade")],
        &[("SEARCH_LANGUAGE", "german")],
        &[("SEARCH_REWRITE", "well")],
        &[("SEARCH_CACHE", "-1s")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:canary@collector:4318")],
        &[("OTEL_TRACES_SAMPLER_ARG", "2")],
    ];
    let mut table = String::new();
    for environment in cases {
        let error = config(&sources(environment)).expect_err("a mistake").to_string();
        assert!(!error.contains("canary"), "{error}");
        writeln!(table, "{error}").expect("a String takes everything");
    }
    insta::assert_snapshot!(table);
}

#[test]
fn every_mistake_in_the_file_is_named_with_its_line() {
    let cases = [
        "[server]\nlisten = \"127.0.0.1:1\"\n\nlissten = \"sk-canary\"\n",
        "\nsurprise = 1\n",
        "[server]\nmetrics_listen = \"http://x\"\n",
        "[server]\nlisten = 1.5\n",
        "[server]\nlisten = { port = 1 }\n",
        "[server\n",
        "[[upstream]]\nname = \"a\"\nkind = \"openai\"\nurl = \"http://x\"\nurll = \"sk-canary\"\n",
        "[[upstream]]\nname = \"a\"\nkind = \"openai\"\nurl = \"http://x\"\ncredentials = \"sk-canary\"\n",
        "[[upstream]]\nname = \"a\"\nkind = \"openai\"\nurl = \"http://x\"\ncredentials = [\"sk-canary\"]\n",
        "[[upstream]]\nname = \"a\"\nkind = \"openai\"\nurl = \"http://x\"\ncredentials = [{}]\n",
        "[[upstream]]\nname = \"a\"\nkind = \"openai\"\nurl = \"http://x\"\ncredentials = [{ env = \"NOPE\" }]\n",
        "[[upstream]]\nname = \"a\"\nkind = \"demo\"\ntrace = \"canary\"\n",
        "[[upstream]]\nname = \"a/b\"\nkind = \"demo\"\n",
        "[[upstream]]\nname = \"a\"\nkind = \"openai\"\n",
        "[[upstream]]\nname = \"a\"\nkind = \"demo\"\n[[upstream]]\nname = \"a\"\nkind = \"demo\"\n",
        "[[model]]\nname = \"m\"\nserve = [\"nobody/m\"]\n",
        "[[model]]\nname = \"m\"\nserve = []\n",
        "[pool]\nweak_errors = 5\nweak_error = 5\n",
        "[pool]\nweak_errors = 0\n",
        "[pool]\nprobe_after = \"soon\"\n",
        "[pool]\nprobe_after = \"31s\"\n",
        "[pool]\nstrategy = \"best\"\n",
        "[server]\npool_strategy = \"round-robin\"\n[pool]\nstrategy = \"round-robin\"\n",
        "[[upstream]]\nname = \"a\"\nkind = \"demo\"\ncredentials = [\"a\\\"sk-canary\\\"b\"]\n",
        "[[upstream]]\nname = \"a\"\nkind = \"demo\"\n[[model]]\nname = \"m\"\nserve = [\"a/x\"]\n[[model]]\nname = \"m\"\nserve = [\"a/y\"]\n",
    ];
    let mut table = String::new();
    for text in cases {
        let error = config(&with_file(&[], text)).expect_err(text).to_string();
        assert!(!error.contains("canary"), "{error}");
        writeln!(table, "{error}").expect("a String takes everything");
    }
    let both = with_file(&[("UPSTREAM_URL", "http://x"), ("LOCAL_KEY", "x")], FILE);
    writeln!(table, "{}", config(&both).expect_err("two places"))
        .expect("a String takes everything");
    insta::assert_snapshot!(table);
}
