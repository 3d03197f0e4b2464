//! The `llm2api-server` program.

use std::process::ExitCode;

use clap::Parser;
use llm2api_server::Cli;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    // A key that is no text must not count as unset: it then opens nothing, and nothing is open.
    let environment = std::env::vars_os()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text.to_string_lossy().into())))
        .collect();
    ExitCode::from(Cli::parse().execute(environment).await)
}
