//! Whether this installation may serve.
//!
//! A code is verified by its signature, by an authority, or by both, and what follows from that is
//! decided by a state machine that reads no clock. The gate is read on every call; the monitor, a
//! task of the engine, opens and closes it.

mod authorisation;
mod authority;
mod case;
mod claims;
mod code;
mod gate;
mod memory;
mod monitor;
mod note;
#[cfg(feature = "http")]
mod remote;
mod signed;
mod standing;
mod status;
mod verifier;
mod verify;
mod words;

pub use authorisation::Authorisation;
pub use authority::{Authority, Checked, CodeKind, CodeState, IssuedCode, NewCode, Revoked, day};
pub use claims::Claims;
pub use code::AuthCode;
pub use gate::{Access, Gate, Keeper};
pub(crate) use monitor::Monitor;
pub use signed::{PrivateKey, PublicKey, Refusal, read, sign, verify};
pub use status::{AuthState, AuthStatus};
pub use verify::{Denial, Grant, Question, Verdict, Verify};
