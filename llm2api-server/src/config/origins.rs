//! Where settings come from, to be read more than once.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::error::ConfigError;
use super::settings::Settings;
use super::sources::Sources;

/// The file that is read where none is named, if it is there.
const FILE: &str = "llm2api.toml";

/// Where settings come from: the path of the file, and flags and environment as they were at start.
#[derive(Clone)]
pub(crate) struct Origins {
    /// The file that the command line names.
    pub(crate) file: Option<PathBuf>,
    pub(crate) flags: BTreeMap<String, String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// This program, where it is one of its own.
    pub(crate) program: Option<PathBuf>,
}

impl Origins {
    /// Reads everything; says too whether there is a file.
    ///
    /// # Errors
    /// A file that cannot be read, and what [`Settings::resolve`] refuses.
    pub(crate) fn read(&self) -> Result<(Settings, bool), ConfigError> {
        let file = self.text()?;
        let has_file = file.is_some();
        let (flags, environment) = (self.flags.clone(), self.environment.clone());
        let program = self.program.clone();
        let sources = Sources { flags, environment, file, program, ..Sources::default() };
        Ok((Settings::resolve(&sources)?, has_file))
    }

    /// Reads a file that was there before.
    ///
    /// # Errors
    /// As [`read`](Self::read), and for a file that is gone.
    pub(crate) fn read_again(&self) -> Result<Settings, ConfigError> {
        match self.read()? {
            (settings, true) => Ok(settings),
            (_, false) => Err(unreadable(FILE, &io::ErrorKind::NotFound.into())),
        }
    }

    fn text(&self) -> Result<Option<(String, String)>, ConfigError> {
        let path = self.file.clone().unwrap_or_else(|| FILE.into());
        let shown = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some((shown, text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.file.is_none() => {
                Ok(None)
            }
            Err(error) => Err(unreadable(&shown, &error)),
        }
    }
}

fn unreadable(path: &str, error: &io::Error) -> ConfigError {
    let right = format!("this settings file cannot be read ({error})");
    ConfigError::bad("--config", path, &right)
}
