//! Whether this installation may serve.

mod claims;
mod code;
mod gate;
mod signed;

pub use claims::Claims;
pub use code::AuthCode;
pub use gate::{Access, Gate, Keeper};
pub use signed::{PrivateKey, PublicKey, Refusal, read, sign, verify};
