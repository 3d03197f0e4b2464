//! SIGHUP: the settings file, and the files that settings name, are read again, and taken as a
//! whole or not at all.

use thiserror::Error;
use tracing::{error, info, warn};

use crate::admin::KeyError;
use crate::config::{Changes, ConfigError, Origins, Settings};
use crate::run::{RunError, builder, needs_client_key, settle_admin_key};
use crate::signal::Hangups;
use crate::state::State;

/// What is there to be read again.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) origins: Origins,
    /// What was read last, and is in force.
    pub(crate) settings: Settings,
    /// Whether there was a settings file.
    pub(crate) has_file: bool,
}

/// Why everything stays as it is; reads like the reason for which a start is refused.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error(transparent)]
    Engine(#[from] RunError),
    #[error(transparent)]
    AdminKey(#[from] KeyError),
}

/// Reads settings again.
pub(crate) struct Reloader {
    reading: Option<Reading>,
    state: State,
}

impl Reloader {
    /// Changes what runs behind `state`; without a reading there is nothing to read again.
    pub(crate) fn new(reading: Option<Reading>, state: State) -> Self {
        Self { reading, state }
    }

    /// Reads again with every signal, one after the other.
    pub(crate) async fn follow(mut self, mut hangups: Hangups) {
        loop {
            hangups.received().await;
            if self.state.door.stop.is_draining() {
                info!("SIGHUP: the settings are not read again, since the server shuts down");
            } else {
                self.reload().await;
            }
        }
    }

    async fn reload(&mut self) {
        let Some(reading) = self.reading.as_mut().filter(|reading| reading.has_any_file()) else {
            return info!("SIGHUP: there is no file with settings to read again");
        };
        match reading.take_up(&self.state).await {
            Ok(changes) => report(&changes),
            Err(error) => error!(%error, "SIGHUP: what was read is not used, nothing changes"),
        }
    }
}

impl Reading {
    /// In a container there often is no settings file, but files with secrets.
    fn has_any_file(&self) -> bool {
        self.has_file || self.origins.name_files()
    }

    /// Reads the files and goes by them; what cannot change stays as it is.
    async fn take_up(&mut self, state: &State) -> Result<Changes, Refusal> {
        let (mut settings, has_file) = self.origins.read_again(self.has_file)?;
        // They have to be good for a start as well as for what runs.
        settings.config()?;
        self.has_file = has_file;
        let changes = Changes::between(&self.settings, &settings);
        settings.keep_fixed(&self.settings);
        let (old, mut config) = (self.settings.config()?, settings.config()?);
        if changes.is_empty() {
            return Ok(changes);
        }
        if needs_client_key(&config) && !state.client.keys().is_closed() {
            return Err(RunError::Open(config.listen).into());
        }
        let had_key = old.admin_key.is_some();
        let key_file = settle_admin_key(&mut config)?.filter(|_| had_key);
        let builder = builder(&config).map_err(RunError::from)?;
        state.client.reload(builder).await.map_err(RunError::from)?;
        state.door.change(&config);
        if let Some(path) = key_file {
            info!(path = %path.display(), "SIGHUP: the operator's key is in a file now");
        }
        for warning in config.warnings.iter().filter(|warning| !old.warnings.contains(warning)) {
            warn!("{warning}");
        }
        state.show_settings(settings.clone());
        self.settings = settings;
        Ok(changes)
    }
}

fn report(changes: &Changes) {
    if changes.is_empty() {
        info!("SIGHUP: the settings were read again, nothing has changed");
    } else {
        info!("SIGHUP: the settings were read again, changed: {changes}");
    }
    if !changes.fixed.is_empty() {
        let names = changes.fixed.join(", ");
        warn!("SIGHUP: {names} cannot change while the server runs: restart it to have them used");
    }
}
