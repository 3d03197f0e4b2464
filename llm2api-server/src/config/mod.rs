//! Settings: one table, five places where a value may come from, one typed result.
//!
//! Nothing here reads the environment or writes anything; whoever calls hands everything in as
//! [`Sources`]. A keyword or a flag counts over the environment, the environment over the file, the
//! file over the default.

mod authorisation;
mod authority;
mod build;
mod changes;
mod client;
mod error;
mod file;
mod hosts;
mod metrics;
mod model;
mod origins;
mod parts;
mod pool;
mod program;
mod search;
mod settings;
mod show;
mod sources;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod traces;
mod upstreams;
pub(crate) mod value;

pub(crate) use changes::Changes;
pub use client::{ClientFile, ClientSources, client_settings};
pub use error::ConfigError;
pub use hosts::AllowedHosts;
pub use metrics::MetricsConfig;
pub use model::{
    Alias, AuthConfig, ClientLimits, Config, LogFormat, Openness, StoreConfig, Upstream,
};
pub(crate) use origins::Origins;
pub use program::Program;
pub use search::SearchConfig;
pub use settings::{Origin, Settings};
pub use sources::{Read, Sources};
pub use table::{Kind, Setting, TABLE};
pub use traces::TraceConfig;
pub(crate) use value::duration;
