//! From checked texts to the typed [`Config`], and the rules that join several settings.

use std::net::SocketAddr;
use std::time::Duration;

use llm2api_core::Limits;
use secrecy::SecretString;

use super::error::ConfigError;
use super::model::{ClientLimits, Config, LogFormat};
use super::settings::Settings;
use super::{upstreams, value};

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
        let mut warnings = self.later_warnings();
        warnings.extend(self.openness(listen, api_keys.is_empty())?);
        Ok(Config {
            listen,
            api_path: self.read("API_PATH", value::api_path)?,
            api_keys,
            admin_key: Some(self.text("ADMIN_KEY")).filter(|key| !key.is_empty()).map(Into::into),
            aliases: upstreams::aliases(self, &upstreams)?,
            upstreams,
            limits,
            clients: self.clients()?,
            shutdown_grace: self.duration("SHUTDOWN_GRACE")?,
            log_format: self.log_format(),
            log_filter: self.read("RUST_LOG", value::log_filter)?,
            warnings,
        })
    }

    /// Decides who may chat without a key.
    fn openness(&self, listen: SocketAddr, no_key: bool) -> Result<Option<String>, ConfigError> {
        if !no_key || listen.ip().to_canonical().is_loopback() {
            return Ok(None);
        }
        if !self.read("ALLOW_OPEN", value::switch)? {
            return Err(ConfigError::new(format!(
                "`LISTEN` is `{listen}`, which others can reach, and no `API_KEY` is set: \
                 set API_KEY, or set ALLOW_OPEN=true to let everybody chat"
            )));
        }
        Ok(Some(format!("everybody who can reach {listen} can chat: no API_KEY is set")))
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
        Ok(ClientLimits {
            head_timeout: self.duration("CLIENT_HEAD_TIMEOUT")?,
            body_timeout: self.duration("CLIENT_BODY_TIMEOUT")?,
            idle_timeout: self.duration("CLIENT_IDLE_TIMEOUT")?,
            write_stall_timeout: self.duration("WRITE_STALL_TIMEOUT")?,
            connections: self.read("MAX_CONNECTIONS", value::count)? as usize,
            body_limit: self.read("REQUEST_BODY_LIMIT", value::size)?,
            head_limit: self.read("REQUEST_HEAD_LIMIT", value::size)?,
            messages_limit: self.read("MESSAGES_LIMIT", value::count)? as usize,
        })
    }

    fn log_format(&self) -> LogFormat {
        match self.text("LOG_FORMAT") {
            "json" => LogFormat::Json,
            "pretty" => LogFormat::Pretty,
            _ => LogFormat::Auto,
        }
    }

    fn later_warnings(&self) -> Vec<String> {
        let warn = |name| format!("{name} is set but this version does not know it yet");
        self.later.iter().map(warn).collect()
    }

    fn duration(&self, name: &str) -> Result<Duration, ConfigError> {
        self.read(name, value::duration)
    }

    fn read<'a, T>(
        &'a self,
        name: &str,
        parse: impl Fn(&'a str) -> Result<T, &'static str>,
    ) -> Result<T, ConfigError> {
        let text = self.text(name);
        parse(text).map_err(|right| ConfigError::bad(name, text, right))
    }
}
