//! What every store must do, run by each of them.

mod branches;
#[cfg(feature = "redis")]
mod gateway;
mod memory;
mod points;
mod records;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
mod suite;
#[cfg(feature = "redis")]
mod usage;
