//! Why a document gives no text.

use crate::error::{Error, ErrorKind};

const OPERATION: &str = "read document";

/// Why a document gives no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is locked by a password.
    Locked,
    /// It is not what it should be.
    Damaged,
    /// There is none in it: most likely it was scanned.
    NoText,
    /// There is too much of it.
    TooLong,
}

impl Fault {
    const ALL: [Self; 4] = [Self::Locked, Self::Damaged, Self::NoText, Self::TooLong];

    /// Returns the code by which a program tells this to the one that started it.
    ///
    /// ```
    /// use llm2api_core::documents::Fault;
    ///
    /// assert_eq!(Fault::from_exit_code(i32::from(Fault::Locked.exit_code())), Some(Fault::Locked));
    /// assert_eq!(Fault::from_exit_code(1), None);
    /// ```
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Locked => 40,
            Self::Damaged => 41,
            Self::NoText => 42,
            Self::TooLong => 43,
        }
    }

    /// Finds the fault of an [exit code](Self::exit_code).
    pub fn from_exit_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| i32::from(fault.exit_code()) == code)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Locked => invalid("a document is locked by a password: send it without one"),
            Fault::Damaged => invalid("a document is damaged and cannot be read: save it anew"),
            Fault::NoText => invalid(
                "a document holds no text, as one that was scanned: send its pages as images",
            ),
            Fault::TooLong => too_long(),
        }
    }
}

/// What is said of a file at which the reader ended in any other way.
pub(super) fn harmful() -> Error {
    invalid("a document takes too much time or memory to read: send its text")
}

pub(super) fn too_long() -> Error {
    let message = "a document has too much text: send a part of it";
    Error::new(ErrorKind::RequestTooLarge, OPERATION, message)
}

pub(super) fn too_busy() -> Error {
    let message = "too many documents are being read at the moment: try again";
    Error::new(ErrorKind::PoolExhausted, OPERATION, message)
}

/// Not the caller's fault: the program cannot be started, or is another one.
pub(super) fn broken(message: &str) -> Error {
    Error::new(ErrorKind::Internal, OPERATION, message)
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, OPERATION, message).with_code("unreadable_document")
}
