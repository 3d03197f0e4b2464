//! The settings of an authority: those of the gateway that are not about chats.

use super::error::ConfigError;
use super::file::File;
use super::model::Config;
use super::origins::Origins;
use super::parts;
use super::settings::Settings;
use super::store;

/// Apart, since it may hold what only a gateway needs more for: nothing of an authority is sealed.
const STORE: &str = "STORE_URL";

impl Origins {
    /// Reads the settings of an authority.
    ///
    /// # Errors
    /// A file that cannot be read, and what [`Settings::resolve`] refuses.
    pub(crate) fn authority(self) -> Result<Config, ConfigError> {
        let sources = self.sources()?;
        let server = File::of(sources.file.as_ref())?.server;
        let file = File { server, ..File::default() };
        Settings::resolve_part(&sources, file, parts::authority)?.authority()
    }
}

impl Settings {
    /// Makes the typed settings of an authority.
    fn authority(mut self) -> Result<Config, ConfigError> {
        let store_url = self.text(STORE).to_owned();
        self.put(STORE, "");
        let mut config = self.config()?;
        config.store = store::store(&store_url, &config.data_dir);
        config.warnings.clear();
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::StoreConfig;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let pairs = pairs.iter().map(|(name, text)| ((*name).into(), (*text).into()));
        let (environment, flags) = (pairs.collect(), BTreeMap::new());
        Origins { file: None, flags, environment, program: None }.authority()
    }

    #[test]
    fn what_is_the_gateways_is_not_looked_at() {
        let config = read(&[
            ("LISTEN", "0.0.0.0:9998"),
            ("API_KEY", "sk-client"),
            ("AUTH_CODE", ""),
            ("AUTH_PUBLIC_KEY", "AAAA"),
            ("UPSTREAM_URL", "no URL"),
            ("QUEUE_TIMEOUT", "soon"),
            ("STORE_URL", "redis://127.0.0.1:1"),
            ("ADMIN_KEY", "canary"),
            ("SHUTDOWN_GRACE", "7s"),
        ]);
        let config = config.expect("in order");
        assert_eq!(config.listen.port(), 9998);
        assert!(config.api_keys.is_empty() && config.warnings.is_empty(), "{config:?}");
        assert!(matches!(config.store, StoreConfig::Redis(_)), "without a master key");
        assert_eq!((config.admin_key.is_some(), config.shutdown_grace.as_secs()), (true, 7));
        assert!(read(&[("API_KEY", "sk-client")]).expect("in order").admin_key.is_none());
    }

    #[test]
    fn what_a_file_says_of_the_gateway_is_not_looked_at_either() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("llm2api.toml");
        let read = |server: &str| {
            let rest = "[pool]\nqueue_limit = \"soon\"\n[[upstream]]\nname = \"x\"\nkind = \"y\"\n\
                        credentials = [{ env = \"NOBODY_SETS_THIS\" }]\n";
            let text = format!("[server]\n{server}\n{rest}");
            std::fs::write(&path, text).expect("room on the disk");
            let (flags, environment) = (BTreeMap::new(), BTreeMap::new());
            Origins { file: Some(path.clone()), flags, environment, program: None }.authority()
        };
        let config = read("queue_timeout = \"soon\"\nauth_code = \"\"\nshutdown_grace = \"7s\"");
        let config = config.expect("in order");
        assert_eq!(config.shutdown_grace.as_secs(), 7);
        for wrong in ["shutdown_grace = \"soon\"", "no_such_setting = 1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_its_own_is_checked() {
        for (name, text) in [("LISTEN", "here"), ("STORE_URL", "mysql:x"), ("ADMIN_KEY", " ")] {
            let error = read(&[(name, text)]).expect_err("a mistake");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
