//! The `llm2api-server` program.

use std::process::ExitCode;

use clap::Parser;
use llm2api_server::Cli;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Whoever reads a document bounds its own memory: no runtime, no threads before that.
    match cli.execute_alone() {
        Some(code) => ExitCode::from(code),
        None => execute(cli),
    }
}

#[tokio::main]
async fn execute(cli: Cli) -> ExitCode {
    // A key that is no text must not count as unset: it then opens nothing, and nothing is open.
    let environment = std::env::vars_os()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text.to_string_lossy().into())))
        .collect();
    ExitCode::from(cli.execute(environment).await)
}
