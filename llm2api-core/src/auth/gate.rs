//! A gate that is read on every call and costs no I/O.

use std::sync::Arc;

use tokio::sync::watch;

use super::standing::AGAIN;
use crate::error::{Error, ErrorKind, Result};

const OPERATION: &str = "check authorisation";
/// The code of the error for an authorisation code that was good once.
pub(super) const EXPIRED: &str = "auth_code_expired";

/// Whether calls may pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// They may.
    #[default]
    Open,
    /// The authorisation code could not be verified yet.
    Unverified,
    /// The authority cannot be reached since this date, and its last good answer counts no more.
    Away(Arc<str>),
    /// The authorisation code was refused, for this reason.
    Denied(Arc<str>),
    /// The authorisation code was good once; this says what to do.
    Expired(Arc<str>),
}

/// The reading side of a gate. Cloning is cheap.
///
/// # Example
/// ```
/// use llm2api_core::auth::{Access, Gate};
///
/// assert!(Gate::open().check().is_ok());
/// let (keeper, gate) = Gate::new(Access::Unverified);
/// assert!(gate.check().is_err());
/// keeper.set(Access::Open);
/// assert!(gate.check().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Gate {
    access: watch::Receiver<Access>,
}

/// The writing side of a gate.
#[derive(Debug)]
pub struct Keeper {
    access: watch::Sender<Access>,
}

impl Gate {
    /// Makes a gate and its keeper. When the keeper is dropped the last word stands.
    pub fn new(access: Access) -> (Keeper, Self) {
        let (sender, receiver) = watch::channel(access);
        (Keeper { access: sender }, Self { access: receiver })
    }

    /// Makes a gate that is always open.
    pub fn open() -> Self {
        Self::new(Access::Open).1
    }

    /// Says whether calls may pass now.
    ///
    /// # Errors
    /// [`ErrorKind::AuthUnverified`] with a time to wait, [`ErrorKind::AuthInvalid`]; for a code that
    /// was good once, under the code `auth_code_expired`.
    pub fn check(&self) -> Result<()> {
        match &*self.access.borrow() {
            Access::Open => Ok(()),
            Access::Unverified => {
                Err(unverified("the authorisation code is not verified yet: try again shortly"))
            }
            Access::Away(since) => Err(unverified(&format!(
                "the authority that verifies the authorisation code cannot be reached since \
                 {since}: try again shortly"
            ))),
            Access::Denied(reason) => Err(refused(reason)),
            Access::Expired(reason) => Err(refused(reason).with_code(EXPIRED)),
        }
    }

    /// Says whether calls may pass, or why not.
    pub(super) fn access(&self) -> Access {
        self.access.borrow().clone()
    }
}

impl Keeper {
    /// Opens or closes the gate, for the calls that begin from now on.
    pub fn set(&self, access: Access) {
        self.access.send_replace(access);
    }
}

fn unverified(message: &str) -> Error {
    Error::new(ErrorKind::AuthUnverified, OPERATION, message).with_retry_after(AGAIN)
}

/// Refuses a call, or a start, for a reason.
pub(super) fn refused(reason: &str) -> Error {
    let message = format!("the authorisation code is refused: {reason}");
    Error::new(ErrorKind::AuthInvalid, OPERATION, message)
}
