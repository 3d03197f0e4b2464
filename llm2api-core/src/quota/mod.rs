//! How much somebody may use.

mod allowance;

pub use allowance::Allowance;
