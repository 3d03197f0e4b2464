//! Whether this installation may serve.

mod gate;

pub use gate::{Access, Gate, Keeper};
