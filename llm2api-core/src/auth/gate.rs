//! A gate that is read on every call and costs no I/O.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{Error, ErrorKind, Result};

/// Whether calls may pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// They may.
    #[default]
    Open,
    /// The authorisation code could not be verified yet.
    Unverified,
    /// The authorisation code was refused, for this reason.
    Denied(Arc<str>),
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
    /// [`ErrorKind::AuthUnverified`], [`ErrorKind::AuthInvalid`].
    pub fn check(&self) -> Result<()> {
        match &*self.access.borrow() {
            Access::Open => Ok(()),
            Access::Unverified => {
                let message = "the authorisation code is not verified yet: try again shortly";
                Err(Error::new(ErrorKind::AuthUnverified, "check authorisation", message))
            }
            Access::Denied(reason) => {
                let message = format!("the authorisation code is refused: {reason}");
                Err(Error::new(ErrorKind::AuthInvalid, "check authorisation", message))
            }
        }
    }
}

impl Keeper {
    /// Opens or closes the gate, for the calls that begin from now on.
    pub fn set(&self, access: Access) {
        self.access.send_replace(access);
    }
}
