//! Client keys: who may chat besides the holders of a key from the settings, and how much.
//!
//! [`ClientKeys`] keeps them in the [store](crate::store::Store) as hashes, and answers from memory
//! whose key a request has brought. Several servers that share a store share the keys.

mod book;
mod change;
mod check;
mod follow;
mod handle;
mod model;
mod record;
#[cfg(test)]
mod tests;
mod text;

pub use handle::ClientKeys;
pub use model::{Change, ClientKey, FoundKey, IssuedKey, KeyChange, KeyState, NewKey};
