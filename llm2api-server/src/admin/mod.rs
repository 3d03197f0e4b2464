//! Who may act as the operator: a key, a browser's session, and what keeps others out.

mod access;
mod browser;
mod delay;
mod key;
mod places;
mod random;
mod sessions;

pub(crate) use access::{Admin, Level, Pass, peer};
pub(crate) use browser::{is_https, own_origin};
pub(crate) use delay::network;
pub use key::KeyError;
pub(crate) use key::settle;
pub(crate) use places::Places;
pub(crate) use sessions::{COOKIE, LIFE};
