//! Where settings come from, to be read more than once.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::program::Program;
use super::settings::Settings;
use super::sources::Sources;
use super::table::{Setting, TABLE};

/// The file that is read where none is named, if it is there.
const FILE: &str = "llm2api.toml";
/// What names another on the command line.
const OPTION: &str = "--config";

/// Where settings come from: the path of the file, and flags and environment as they were at start.
#[derive(Clone)]
pub(crate) struct Origins {
    /// The file that the command line names.
    pub(crate) file: Option<PathBuf>,
    pub(crate) flags: BTreeMap<String, String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// This program, where it is one of its own.
    pub(crate) program: Option<Program>,
}

impl Origins {
    /// Reads everything; says too whether there is a file.
    ///
    /// # Errors
    /// A file that cannot be read, and what [`Settings::resolve`] refuses.
    pub(crate) fn read(&self) -> Result<(Settings, bool), ConfigError> {
        let sources = self.sources()?;
        Ok((Settings::resolve(&sources)?, sources.file.is_some()))
    }

    /// Puts together what settings are made of.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn sources(&self) -> Result<Sources, ConfigError> {
        let file = text(self.file.as_deref(), OPTION)?;
        let (flags, environment) = (self.flags.clone(), self.environment.clone());
        let program = self.program.clone();
        Ok(Sources { flags, environment, file, program, ..Sources::default() })
    }

    /// Reads everything again; a settings file that was there before must still be there.
    ///
    /// # Errors
    /// As [`read`](Self::read), and for a settings file that is gone.
    pub(crate) fn read_again(&self, had_file: bool) -> Result<(Settings, bool), ConfigError> {
        match self.read()? {
            (_, false) if had_file => {
                Err(unreadable(OPTION, FILE, &io::ErrorKind::NotFound.into()))
            }
            read => Ok(read),
        }
    }

    /// Says whether flags or environment name a file for a setting, whose content may change.
    pub(crate) fn name_files(&self) -> bool {
        let is_named = |setting: &Setting| {
            let name = format!("{}_FILE", setting.name);
            let paths = [&self.flags, &self.environment].map(|level| level.get(&name));
            paths.into_iter().flatten().any(|path| !path.is_empty())
        };
        TABLE.iter().filter(|setting| setting.takes_file()).any(is_named)
    }
}

/// Reads the settings file, its path and its text: the one that `option` names, else ours if it is
/// there.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn text(
    named: Option<&Path>,
    option: &str,
) -> Result<Option<(String, String)>, ConfigError> {
    let path = named.unwrap_or(Path::new(FILE));
    let shown = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((shown, text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(error) => Err(unreadable(option, &shown, &error)),
    }
}

fn unreadable(option: &str, path: &str, error: &io::Error) -> ConfigError {
    ConfigError::bad(option, path, &format!("this settings file cannot be read ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_settings_are_named_by_flags_and_environment() {
        let origins = |flag: (&str, &str), variable: (&str, &str)| {
            let level = |(name, text): (&str, &str)| [(name.to_owned(), text.to_owned())].into();
            let (flags, environment) = (level(flag), level(variable));
            Origins { file: None, flags, environment, program: None }
        };
        for (flag, variable, named) in [
            (("ADMIN_KEY_FILE", "key"), ("PATH", "/bin"), true),
            (("LISTEN", "127.0.0.1:0"), ("AUTH_CODE_FILE", "code"), true),
            (("LISTEN", "127.0.0.1:0"), ("AUTH_CODE_FILE", ""), false),
            (("LISTEN_FILE", "x"), ("OTHER_FILE", "x"), false),
        ] {
            assert_eq!(origins(flag, variable).name_files(), named, "{flag:?} {variable:?}");
        }
    }
}
