//! The command line.

mod auth;
mod beside;
mod key;
mod mistake;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::{Arg, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use llm2api_core::adapt::files::DocumentKind;
use tokio::runtime::Runtime;

use self::auth::AuthTask;
use self::key::KeyTask;
use crate::config::{Config, ConfigError, Origins, Program, TABLE};
use crate::reload::Reading;
use crate::run::{needs_client_key, rehearse, run_from};
use crate::{RunError, documents, healthcheck, store, telemetry};

/// What the program may be called: the server of its own, and that of the Python package.
const NAMES: [&str; 2] = ["llm2api-server", "llm2api"];
/// What it was called.
static NAME: OnceLock<&str> = OnceLock::new();

const FAILED: u8 = 1;
/// The exit code for settings that cannot be used; clap's own for a command line that cannot.
const UNUSABLE: u8 = 2;
/// The exit code for an authorisation code that is not good: `EX_CONFIG` of sysexits.h, so that
/// whoever starts the program again and again can tell.
const UNAUTHORISED: u8 = 78;

/// One OpenAI-compatible HTTP endpoint over a pool of chat accounts.
#[derive(Debug, Parser)]
#[command(name = NAMES[0], version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Task>,
    /// Settings file; without it, llm2api.toml in the working directory if there is one
    #[arg(long, value_name = "PATH", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Flags,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Serve; what happens without a command too. SIGHUP reads the settings file again
    Serve,
    /// Look at the settings
    #[command(subcommand)]
    Config(Look),
    /// Work on the store
    #[command(subcommand)]
    Store(Keep),
    /// Issue, revoke and inspect authorisation codes
    #[command(subcommand)]
    Auth(AuthTask),
    /// Work on the client keys, beside a running server too: it notices within two seconds
    #[command(subcommand)]
    Key(KeyTask),
    /// Serve an authority: issue, revoke and check authorisation codes over HTTP
    Authority {
        /// Sign codes with this key, which `auth keygen` has made, and take those that it signed
        #[arg(long, value_name = "PATH")]
        private_key_file: Option<PathBuf>,
    },
    /// Ask a running server on LISTEN whether it lives; the exit code is 0 or 1
    Healthcheck,
    /// Read a document from the standard input and write its text: what the server starts for each
    #[command(hide = true)]
    ExtractDocument {
        #[arg(value_parser = document_kind)]
        kind: DocumentKind,
        /// The limits hold already
        #[arg(long)]
        limited: bool,
    },
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Look {
    /// Check the settings and say what is wrong, as a start or a SIGHUP would
    Check,
    /// Print the effective settings, secrets hidden
    Print,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Keep {
    /// Seal every credential anew with the first key of MASTER_KEY; the others open the old ones
    RotateKey,
}

/// The settings of the table as flags; a secret only by the path of its file, since everybody on
/// the machine can read command lines.
#[derive(Debug)]
struct Flags(BTreeMap<String, String>);

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(TABLE.iter().map(|setting| {
            let secret = setting.is_secret();
            let suffix = if secret { "-file" } else { "" };
            let mut help = format!("{} [env: {}", setting.help, setting.name);
            help.push_str(if secret { ", or this: …_FILE]" } else { "]" });
            if !setting.default.is_empty() {
                help = format!("{help} [default: {}]", setting.default);
            }
            Arg::new(if secret { format!("{}_FILE", setting.name) } else { setting.name.into() })
                .long(format!("{}{suffix}", setting.flag()))
                .value_name(if secret { "PATH" } else { "VALUE" })
                .help(help)
                .help_heading("Settings")
                .global(true)
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self(BTreeMap::new());
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in TABLE {
            let id = if setting.is_secret() {
                format!("{}_FILE", setting.name)
            } else {
                setting.name.to_owned()
            };
            if let Some(text) = matches.get_one::<String>(&id) {
                self.0.insert(id, text.clone());
            }
        }
        Ok(())
    }
}

/// Does what a command line says, whose first argument is the program's name, and returns the exit
/// code; settings come from it, the environment and the file.
///
/// The exit code is 0 after an orderly end, 2 for a command line or settings that cannot be used, 78
/// for an authorisation code that is not good, and 1 for everything else.
///
/// `own` is what starts this program anew, to read a document in a process of its own: by default the
/// one that runs, which is right unless that is an interpreter.
///
/// # Example
/// ```
/// let code = llm2api_server::main(["llm2api-server", "--version"].map(Into::into), None);
/// assert_eq!(code, 0);
/// ```
pub fn main(arguments: impl IntoIterator<Item = OsString>, own: Option<Program>) -> u8 {
    let cli = match Cli::read(arguments.into_iter().collect()) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody reads a closed stream.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(FAILED);
        }
    };
    let program = own.or_else(documents::own_program);
    // Whoever reads a document bounds its own memory: no runtime, no threads before that.
    if let Some(Task::ExtractDocument { kind, limited }) = cli.command {
        return documents::run(kind, limited, program.as_ref());
    }
    match Runtime::new() {
        Ok(runtime) => runtime.block_on(cli.execute(program)),
        Err(error) => fail(&format!("cannot start: {error}")),
    }
}

/// Returns the environment. A key that is no text must not count as unset: it then opens nothing, and
/// nothing is open.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text.to_string_lossy().into())))
        .collect()
}

impl Cli {
    /// Reads a command line, and takes the name that the program was called by.
    fn read(arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        let called = arguments.first().and_then(|path| Path::new(path).file_stem());
        let name = NAMES.into_iter().find(|name| called == Some(OsStr::new(name)));
        let name = *NAME.get_or_init(|| name.unwrap_or(NAMES[0]));
        Self::from_arg_matches(&Self::command().name(name).try_get_matches_from(arguments)?)
    }

    async fn execute(self, program: Option<Program>) -> u8 {
        let environment = environment();
        let origins = Origins { file: self.config, flags: self.settings.0, environment, program };
        let task = match self.command.unwrap_or(Task::Serve) {
            Task::Auth(task) => return Box::pin(auth::execute(task, origins)).await,
            Task::Authority { private_key_file } => {
                return Box::pin(auth::serve(private_key_file, origins)).await;
            }
            task => task,
        };
        let read = origins.read();
        let read = read.and_then(|(settings, file)| Ok((settings.config()?, settings, file)));
        let (config, settings, has_file) = match read {
            Ok(read) => read,
            Err(error) => return refuse(&error),
        };
        match task {
            Task::Serve => {
                let reading = Reading { origins, settings, has_file };
                Box::pin(serve(config, reading)).await
            }
            Task::Config(Look::Check) => check(&config).await,
            Task::Config(Look::Print) => say(&settings.to_string()),
            Task::Store(Keep::RotateKey) => rotate_key(&config).await,
            Task::Key(task) => match task.run(&config).await {
                Ok(text) => say(&text),
                Err(error) => fail(&mistake::told(&error)),
            },
            Task::Healthcheck => {
                healthcheck::run(config.listen).map_or_else(|text| fail(&text), say)
            }
            Task::ExtractDocument { kind, limited } => {
                documents::run(kind, limited, origins.program.as_ref())
            }
            Task::Auth(task) => Box::pin(auth::execute(task, origins)).await,
            Task::Authority { private_key_file } => {
                Box::pin(auth::serve(private_key_file, origins)).await
            }
        }
    }
}

async fn serve(config: Config, reading: Reading) -> u8 {
    if let Err(error) = telemetry::init(&config) {
        return refuse(&error);
    }
    match run_from(config, Some(reading)).await {
        Ok(()) => 0,
        Err(error @ (RunError::Engine(_) | RunError::Open(_))) => refuse(&error),
        Err(error @ RunError::Unauthorised(_)) => turn_away(&error),
        Err(error) => fail(&error.to_string()),
    }
}

/// Builds the engine too: it knows what a URL and a credential of each kind look like.
async fn check(config: &Config) -> u8 {
    match rehearse(config).await.map_err(RunError::from) {
        Ok(_) => {}
        Err(RunError::Engine(error)) => return refuse(&ConfigError::new(error.message())),
        Err(error) => return turn_away(&error),
    }
    if needs_client_key(config) && !store::has_client_keys(config).await {
        return refuse(&RunError::Open(config.listen));
    }
    let warnings = config
        .warnings
        .iter()
        .fold(String::new(), |text, warning| text + "warning: " + warning + "\n");
    say(&(warnings + "the settings are in order\n"))
}

async fn rotate_key(config: &Config) -> u8 {
    match store::rotate_key(config).await {
        Ok(count) => say(&format!("{count} credential(s) are sealed with the first key\n")),
        Err(error) => fail(&error.to_string()),
    }
}

fn document_kind(name: &str) -> Result<DocumentKind, &'static str> {
    DocumentKind::from_name(name).ok_or("write `pdf` or `docx`")
}

fn say(text: &str) -> u8 {
    // Nobody reads a closed stdout.
    let _ = io::stdout().write_all(text.as_bytes());
    0
}

fn refuse(error: &dyn Display) -> u8 {
    let _ = fail(&error.to_string());
    UNUSABLE
}

fn turn_away(error: &dyn Display) -> u8 {
    let _ = fail(&error.to_string());
    UNAUTHORISED
}

fn fail(text: &str) -> u8 {
    let name = NAME.get().unwrap_or(&NAMES[0]);
    let _ = writeln!(io::stderr(), "{name}: {text}");
    FAILED
}

#[cfg(test)]
mod tests;
