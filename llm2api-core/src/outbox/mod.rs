//! The clean-up outbox: what must be done at an upstream is written down before it is needed, done
//! as soon as it can be, and found again after a crash.

pub(crate) mod details;
mod handle;
mod in_hand;
mod maker;
mod work;

pub(crate) use handle::CleanUps;
pub(crate) use work::Desk;
