//! `llm2api-sim`: the simulator as a program, for tests in other languages.
//!
//! It prints one line, `LISTENING http://127.0.0.1:PORT`, and runs until it is killed.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use llm2api_tests::{Face, Family, Options, Session, Simulator};
use tokio::io::AsyncReadExt;

/// A scripted upstream: chat-ui, OpenAI-compatible API, Open WebUI and SearXNG on loopback.
#[derive(Debug, Parser)]
#[command(name = "llm2api-sim", version)]
struct Arguments {
    /// Address to listen on; loopback only.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Version of chat-ui.
    #[arg(long, value_enum, default_value = "v2")]
    family: FamilyName,
    /// Ask for a login.
    #[arg(long)]
    login: bool,
    /// A logged-in session; may be repeated.
    #[arg(long = "session", value_name = "VALUE=USER", value_parser = session)]
    sessions: Vec<Session>,
    /// A key of the OpenAI and Open WebUI faces; may be repeated.
    #[arg(long = "api-key", value_name = "KEY")]
    api_keys: Vec<String>,
    /// Service that answers outside /v1.
    #[arg(long, value_enum, default_value = "chat-ui")]
    face: FaceName,
    /// Pause before each token.
    #[arg(long, value_name = "N", default_value_t = 0)]
    token_delay_ms: u64,
    /// Exit when standard input is closed.
    #[arg(long)]
    exit_with_stdin: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FamilyName {
    V2,
    #[value(name = "2024")]
    Y2024,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FaceName {
    ChatUi,
    OpenWebui,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let exit_with_stdin = arguments.exit_with_stdin;
    let simulator = Simulator::start(options(arguments)).await?;
    let mut out = io::stdout();
    writeln!(out, "LISTENING {}", simulator.url())?;
    out.flush()?;
    if exit_with_stdin {
        stdin_closed().await;
    } else {
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}

fn options(arguments: Arguments) -> Options {
    Options {
        listen: arguments.listen,
        family: match arguments.family {
            FamilyName::V2 => Family::V2,
            FamilyName::Y2024 => Family::Y2024,
        },
        face: match arguments.face {
            FaceName::ChatUi => Face::ChatUi,
            FaceName::OpenWebui => Face::OpenWebui,
        },
        login: arguments.login,
        sessions: arguments.sessions,
        api_keys: arguments.api_keys,
        token_delay: Duration::from_millis(arguments.token_delay_ms),
        ..Options::default()
    }
}

fn session(text: &str) -> Result<Session, String> {
    let (value, user) = text.split_once('=').ok_or("expected VALUE=USER")?;
    Ok(Session::new(value, user))
}

async fn stdin_closed() {
    let mut stdin = tokio::io::stdin();
    let mut buffer = [0; 256];
    while matches!(stdin.read(&mut buffer).await, Ok(1..)) {}
}
