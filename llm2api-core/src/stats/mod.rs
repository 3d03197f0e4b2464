//! What has happened, of late and since ever: figures for people who look after a gateway.
//!
//! [`Statistics`] adds what the store has, of all servers and from before restarts, to what this
//! process has counted and not handed over yet. While the store is away it goes by what was last
//! read of it. No call ever waits for any of this.

mod handle;
mod kept;
mod ledger;
mod model;
mod named;
mod recent;

pub use handle::Statistics;
pub(crate) use ledger::Ledger;
pub use model::{Kind, Now, Series, SpanFigures};

#[cfg(test)]
mod tests;
