//! Settings: one table, four places where a value may come from, one typed result.
//!
//! Nothing here reads the environment or writes anything; whoever calls hands everything in as
//! [`Sources`]. A flag counts over the environment, the environment over the file, the file over
//! the default.

mod build;
mod error;
mod file;
mod model;
mod settings;
mod show;
mod sources;
mod table;
#[cfg(test)]
mod tests;
mod upstreams;
mod value;

pub use error::ConfigError;
pub use model::{Alias, ClientLimits, Config, LogFormat, Upstream};
pub use settings::{Origin, Settings};
pub use sources::{Read, Sources};
pub use table::{Kind, Setting, TABLE};
