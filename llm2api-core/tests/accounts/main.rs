//! Accounts through the public door.

mod club;
#[cfg(feature = "redis")]
mod fleet;
mod keys;
mod life;
mod races;
mod slow_store;
