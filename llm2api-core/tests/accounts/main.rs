//! Accounts through the public door.

mod club;
mod life;
mod races;
mod slow_store;
