//! `llm2api-server auth`: authorisation codes on the command line.

mod inspect;
mod issue;
mod list;

use std::path::PathBuf;

use clap::Subcommand;
use llm2api_core::Error;
use llm2api_core::auth::{Authority, CodeKind, PrivateKey, Revoked};

use self::inspect::Inspect;
use self::issue::Issue;
use super::beside::{self, Absent};
use super::{fail, mistake, refuse, say};
use crate::config::{ConfigError, Origins, StoreConfig};
use crate::{authority, telemetry};

/// Who acts, in the store's log.
const ACTOR: &str = "cli";

#[derive(Debug, Subcommand)]
pub(super) enum AuthTask {
    /// Make a pair of keys for signed codes and print it: keep it in a file that only you can read
    Keygen,
    /// Issue a code and print it, alone on a line: signed with a key, or kept in the store
    Issue(Issue),
    /// Revoke a code for ever
    Revoke {
        /// The code's id, from `auth list` or `auth inspect`
        id: String,
    },
    /// List the codes that the store knows
    List {
        /// As JSON, like GET /auth/codes
        #[arg(long)]
        json: bool,
    },
    /// Tell what a code says, which is read from the standard input or a file
    Inspect(Inspect),
}

/// Why a task was not done.
#[derive(Debug)]
enum Trouble {
    /// The settings cannot be used.
    Settings(ConfigError),
    /// Something else.
    Other(String),
}

type Done = Result<String, Trouble>;

/// Does a task and returns the exit code.
pub(super) async fn execute(task: AuthTask, origins: Origins) -> u8 {
    let done = match task {
        AuthTask::Keygen => keygen(),
        AuthTask::Issue(task) => task.execute(origins).await,
        AuthTask::Revoke { id } => revoke(&id, origins).await,
        AuthTask::List { json } => list::execute(json, origins).await,
        AuthTask::Inspect(task) => task.execute(origins).await,
    };
    match done {
        Ok(text) => say(&text),
        Err(Trouble::Settings(error)) => refuse(&error),
        Err(Trouble::Other(text)) => fail(&text),
    }
}

/// Serves an authority and returns the exit code.
pub(super) async fn serve(private_key_file: Option<PathBuf>, origins: Origins) -> u8 {
    let read = origins.authority().and_then(|config| telemetry::init(&config).map(|()| config));
    let config = match read {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    match private_key_file.map(PrivateKey::from_file).transpose() {
        Err(error) => refuse(&error),
        Ok(key) => match authority::run(config, key).await {
            Ok(()) => 0,
            Err(error) => fail(&error.to_string()),
        },
    }
}

fn keygen() -> Done {
    let key = PrivateKey::random()?;
    let (private, public) = (key.to_base64(), key.public_key());
    let private = private.expose();
    Ok(format!("{{\"private_key\": \"{private}\", \"public_key\": \"{public}\"}}\n"))
}

async fn revoke(id: &str, origins: Origins) -> Done {
    let authority = open(origins, None, Absent::Refuse).await?;
    let Revoked { code, is_new, .. } = authority.revoke(id, ACTOR).await?;
    let is_known = code.kind != CodeKind::Unrecorded;
    Ok(match (is_new, is_known) {
        (true, true) => format!("{id} is revoked\n"),
        (true, false) => format!(
            "{id} is revoked; the store did not know it: if a code was signed elsewhere with this \
             id, this authority refuses it from now on\n"
        ),
        (false, _) => format!("{id} was revoked before\n"),
    })
}

/// Opens the store that the settings name. What it keeps has to outlive this process.
async fn open(
    origins: Origins,
    key: Option<PrivateKey>,
    absent: Absent,
) -> Result<Authority, Trouble> {
    let config = origins.authority().map_err(Trouble::Settings)?;
    if matches!(config.store, StoreConfig::Memory) {
        let text =
            "`STORE_URL` is `memory:`, which forgets codes at once: name the authority's store";
        return Err(Trouble::Settings(ConfigError::new(text)));
    }
    Ok(Authority::new(beside::open(&config, absent).await?, key))
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Other(mistake::told(&error))
    }
}
