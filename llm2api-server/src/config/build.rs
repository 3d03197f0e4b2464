//! From checked texts to the typed [`Config`], and the rules that join several settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use llm2api_core::adapt::files::RemoteImages;
use llm2api_core::{ConversationMode, Limits};
use secrecy::SecretString;

use super::error::ConfigError;
use super::hosts::AllowedHosts;
use super::model::{ClientLimits, Config, LogFormat, Openness};
use super::settings::Settings;
use super::{pool, store, upstreams, value};

impl Settings {
    /// Makes the typed settings and checks what joins several of them.
    ///
    /// # Errors
    /// Settings that contradict each other, such as an open address without a key.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let limits = self.limits()?;
        let listen = self.read("LISTEN", value::address)?;
        let api_keys: Vec<_> = value::list(self.text("API_KEY")).map(SecretString::from).collect();
        let upstreams = upstreams::upstreams(self, limits.max_concurrency_per_credential)?;
        let data_dir = PathBuf::from(self.text("DATA_DIR"));
        let store = store::store(self.text("STORE_URL"), &data_dir);
        let master_key = self.secret("MASTER_KEY");
        store::check_pair(&store, master_key.is_some())?;
        let openness = self.openness(listen)?;
        let mut warnings = Vec::new();
        warnings.extend(everybody(openness, listen).filter(|_| api_keys.is_empty()));
        warnings.extend(self.borrowed_key(&api_keys));
        warnings.extend(self.authorisation_warnings());
        warnings.extend(self.search_warning());
        let interval = self.read("CHECK_INTERVAL", value::minutes)?;
        Ok(Config {
            listen,
            api_path: self.read("API_PATH", value::api_path)?,
            admin_key: self.secret("ADMIN_KEY").or_else(|| api_keys.first().cloned()),
            api_keys,
            openness,
            allowed_hosts: AllowedHosts::new(self.text("ALLOWED_HOSTS"), listen),
            data_dir,
            store,
            master_key,
            check_interval: Some(interval).filter(|interval| !interval.is_zero()),
            authorisation: self.authorisation()?,
            pool: pool::rules(self)?,
            conversations: self.conversations(),
            aliases: upstreams::aliases(self, &upstreams)?,
            upstreams,
            limits,
            clients: self.clients()?,
            strict_parameters: self.read("STRICT_PARAMETERS", value::switch)?,
            remote_images: self.remote_images(),
            document_reader: self.program.clone(),
            search: self.search()?,
            search_every_chat: self.read("TOOL_ALL_IN_ONE", value::switch)?,
            metrics: self.metrics(listen)?,
            shutdown_grace: self.duration("SHUTDOWN_GRACE")?,
            log_format: self.log_format(),
            log_filter: self.read("RUST_LOG", value::log_filter)?,
            traces: self.traces()?,
            warnings,
        })
    }

    /// Says so where those who may chat may do everything.
    fn borrowed_key(&self, api_keys: &[SecretString]) -> Option<String> {
        let borrowed = !api_keys.is_empty() && self.text("ADMIN_KEY").is_empty();
        borrowed.then(|| {
            "no ADMIN_KEY is set, so the first API_KEY is the operator's key too: whoever may chat \
             with it can add, export and remove accounts"
                .to_owned()
        })
    }

    /// Decides who may chat without a key.
    fn openness(&self, listen: SocketAddr) -> Result<Openness, ConfigError> {
        Ok(
            match (
                listen.ip().to_canonical().is_loopback(),
                self.read("ALLOW_OPEN", value::switch)?,
            ) {
                (true, _) => Openness::Machine,
                (false, true) => Openness::Everybody,
                (false, false) => Openness::Nobody,
            },
        )
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        let mut limits = Limits::default();
        limits.max_attempts = self.read("RETRY_MAX_ATTEMPTS", value::count)?;
        limits.queue_timeout = self.duration("QUEUE_TIMEOUT")?;
        limits.connect_timeout = self.duration("CONNECT_TIMEOUT")?;
        limits.first_content_timeout = self.duration("FIRST_CONTENT_TIMEOUT")?;
        limits.response_timeout = self.duration("RESPONSE_TIMEOUT")?;
        limits.liveness_timeout = self.duration("LIVENESS_TIMEOUT")?;
        limits.progress_timeout = self.duration("PROGRESS_TIMEOUT")?;
        limits.total_timeout = Some(self.duration("TOTAL_TIMEOUT")?).filter(|t| !t.is_zero());
        limits.event_limit = self.read("UPSTREAM_EVENT_LIMIT", value::size)?;
        limits.body_limit = self.read("UPSTREAM_BODY_LIMIT", value::size)?;
        limits.max_concurrency_per_credential =
            self.read("MAX_CONCURRENCY_PER_CREDENTIAL", value::count)?;
        Ok(limits)
    }

    fn clients(&self) -> Result<ClientLimits, ConfigError> {
        let (body_limit, bodies_limit) = self.body_limits()?;
        Ok(ClientLimits {
            head_timeout: self.duration("CLIENT_HEAD_TIMEOUT")?,
            body_timeout: self.duration("CLIENT_BODY_TIMEOUT")?,
            idle_timeout: self.duration("CLIENT_IDLE_TIMEOUT")?,
            write_stall_timeout: self.duration("WRITE_STALL_TIMEOUT")?,
            connections: self.read("MAX_CONNECTIONS", value::count)? as usize,
            body_limit,
            bodies_limit,
            head_limit: self.read("REQUEST_HEAD_LIMIT", value::size)?,
            json_depth: self.read("JSON_DEPTH", value::count)? as usize,
            messages_limit: self.read("MESSAGES_LIMIT", value::count)? as usize,
        })
    }

    /// Reads the limits of one body and of all; a body that one allows must fit into the other.
    fn body_limits(&self) -> Result<(usize, usize), ConfigError> {
        let (one, all) = ("REQUEST_BODY_LIMIT", "BODY_BYTES_IN_FLIGHT");
        let limits = (self.read(one, value::size)?, self.read(all, value::size)?);
        if limits.0 <= limits.1 {
            return Ok(limits);
        }
        Err(ConfigError::new(format!(
            "`{one}` is `{}`, more than `{all}`, which is `{}`: raise {all}, or lower {one}",
            self.text(one),
            self.text(all)
        )))
    }

    fn remote_images(&self) -> RemoteImages {
        match self.text("REMOTE_IMAGES") {
            "public" => RemoteImages::Public,
            _ => RemoteImages::Off,
        }
    }

    fn conversations(&self) -> ConversationMode {
        match self.text("CONVERSATIONS") {
            "fresh" => ConversationMode::Fresh,
            _ => ConversationMode::Reuse,
        }
    }

    fn log_format(&self) -> LogFormat {
        match self.text("LOG_FORMAT") {
            "json" => LogFormat::Json,
            "pretty" => LogFormat::Pretty,
            _ => LogFormat::Auto,
        }
    }

    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(SecretString::from)
    }

    pub(super) fn duration(&self, name: &str) -> Result<Duration, ConfigError> {
        self.read(name, value::duration)
    }

    pub(super) fn read<'a, T>(
        &'a self,
        name: &str,
        parse: impl Fn(&'a str) -> Result<T, &'static str>,
    ) -> Result<T, ConfigError> {
        let text = self.text(name);
        parse(text).map_err(|right| ConfigError::bad(name, text, right))
    }
}

fn everybody(openness: Openness, listen: SocketAddr) -> Option<String> {
    (openness == Openness::Everybody).then(|| {
        format!(
            "no API_KEY is set: everybody who can reach {listen} can chat until there is a client key"
        )
    })
}
