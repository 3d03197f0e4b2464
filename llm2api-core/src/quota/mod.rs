//! How much somebody may use.
//!
//! [`Quotas`] is asked for each request of a subject, a client key or the installation, with the
//! [`Allowance`] that the subject has. It answers with a [`Ticket`] that the request holds, or with
//! a [`QuotaRefusal`].
//!
//! | part | what it does |
//! |---|---|
//! | `minute` | requests in a minute (GCRA); pure |
//! | `meter` | what this process knows of each subject; pure |
//! | `place` | requests at the same time |
//! | `keep` | keeps the tokens of the day where this process is alone |
//! | `fleet` | asks the store that several servers share, and corrects what was counted there |

mod allowance;
mod fleet;
mod keep;
mod meter;
mod minute;
mod place;
mod quotas;
mod shared;
mod standing;
mod ticket;

pub use allowance::Allowance;
pub use quotas::Quotas;
pub use standing::{Exceeded, QuotaRefusal, QuotaStanding, Rate};
pub use ticket::Ticket;

#[cfg(test)]
mod tests;
