//! The accounts that the engine uses, as an operator handles them.
//!
//! [`Accounts`] joins the pool, which knows how each fares, with the [vault](crate::store::Vault),
//! which keeps them, and the upstreams, which say whether one is good. What it confirms is kept.

mod add;
mod book;
mod change;
mod check;
mod handle;
mod jobs;
mod json;
mod keep;
mod model;
mod news;
mod plan;

pub use handle::Accounts;
pub use model::{
    AccountChange, AccountState, AccountStatus, Added, Checked, Exported, NewAccount, Target,
    Verdict,
};

pub(crate) use handle::Parts;
pub(crate) use plan::{Plan, Site};
