//! searx, from which SearXNG comes: a real engine of the family, as Debian packages it.
//!
//! Version 1.1 answers JSON whether or not `search.formats` names it, takes no `language=auto`, and
//! makes plain text of what engines deliver; SearXNG does none of this.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::api::http;
use super::port::free_port;
use super::program::Program;
use super::wait::eventually;

/// How long it may take to answer: it is Python with many modules.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where Debian puts its files.
const SHARE: &str = "/usr/share/python3-searx";

/// A running searx with one engine, `mock`.
#[derive(Debug)]
pub struct Searx {
    url: String,
    _program: Program,
    _data: TempDir,
}

impl Searx {
    /// Starts one on a free port that takes its results from `engine`, the address of a page that
    /// is asked as `?q=…&page=…`; it asks nothing else of anybody.
    pub async fn start(engine: &str) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let (port, file) = (free_port(), data.path().join("settings.yml"));
        // JSON is YAML.
        std::fs::write(&file, settings(port, engine).to_string()).expect("a settings file");
        let mut program = Program::start(command(&file), data.path().join("searx.log"));
        let url = format!("http://127.0.0.1:{port}");
        let health = format!("{url}/healthz");
        let answers = async || {
            let answered = http().get(&health).send().await.is_ok();
            assert!(program.is_running(), "searx has ended, or another server has port {port}");
            answered.then_some(())
        };
        eventually("searx answers", PATIENCE, answers).await;
        Self { url, _program: program, _data: data }
    }

    /// Base address: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Nothing of the environment reaches it, so that no proxy does.
fn command(settings: &Path) -> Command {
    let mut command = Command::new("/usr/bin/searx-run");
    command.env_clear().env("SEARX_SETTINGS_PATH", settings);
    command
}

/// All settings: Debian's package has no file of defaults.
fn settings(port: u16, engine: &str) -> Value {
    let mock = json!({
        "name": "mock", "shortcut": "mo", "engine": "json_engine", "categories": "general",
        "enable_http": true, "paging": true, "search_url": format!("{engine}?q={{query}}&page={{pageno}}"),
        "results_query": "results", "url_query": "url", "title_query": "title",
        "content_query": "content",
    });
    json!({
        "general": {"debug": false, "instance_name": "searx"},
        "search": {
            "safe_search": 0, "autocomplete": "", "default_lang": "", "formats": ["html", "json"],
            "ban_time_on_fail": 0, "max_ban_time_on_fail": 0,
        },
        "server": {
            "bind_address": "127.0.0.1", "port": port, "base_url": false, "image_proxy": false,
            "secret_key": uuid::Uuid::new_v4().to_string(), "http_protocol_version": "1.1",
        },
        "ui": {
            "static_path": format!("{SHARE}/static"), "templates_path": format!("{SHARE}/templates"),
            "default_theme": "oscar", "default_locale": "en",
        },
        "outgoing": {"request_timeout": 10.0},
        "engines": [mock],
        "locales": {"en": "English"},
        // Only where to send readers; it must have an entry.
        "doi_resolvers": {"none": "http://127.0.0.1/"}, "default_doi_resolver": "none",
    })
}
