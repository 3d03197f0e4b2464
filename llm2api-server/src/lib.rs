#![doc = include_str!("../README.md")]

mod accept;
mod admin;
mod app;
mod banner;
mod budget;
pub mod cli;
pub mod config;
mod dialect;
mod documents;
mod edge;
mod healthcheck;
mod keys;
mod live;
mod messages;
mod openai;
mod reachable;
mod reload;
mod responses;
mod routes;
mod run;
mod signal;
mod sse;
mod state;
mod stop;
mod store;
mod telemetry;

pub use accept::Server;
pub use admin::KeyError;
pub use app::app;
pub use cli::Cli;
pub use config::{Config, ConfigError};
pub use live::Live;
pub use run::{RunError, client, run, serve};
pub use state::State;
pub use stop::Stop;
pub use telemetry::init as init_logs;
