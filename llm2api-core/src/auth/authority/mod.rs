//! Issues authorisation codes, knows which are revoked, and says what a code is worth.
//!
//! There are two kinds. An opaque code is a random text, of which the store keeps a hash. A signed
//! code proves itself wherever the public key is known, and is looked up for revocations only.

mod checked;
mod date;
mod handle;
mod id;
mod new;
mod opaque;
mod record;
#[cfg(test)]
mod tests;

pub use checked::{Checked, CodeState};
pub use date::day;
pub use handle::{Authority, Revoked};
pub use new::NewCode;
pub use record::{CodeKind, IssuedCode};
