//! The text of an authorisation code.

use crate::credential::Secret;
use crate::error::{Error, ErrorKind, Result};

/// More is no code: a signed one with all its claims has a few hundred characters.
pub(super) const LONGEST: usize = 8192;

/// An authorisation code as its holder has it. It cannot be printed.
///
/// # Example
/// ```
/// use llm2api_core::auth::AuthCode;
///
/// let code = AuthCode::new(" canary \n")?;
/// assert_eq!(format!("{code:?}"), "AuthCode(***)");
/// assert!(AuthCode::new("two words").is_err());
/// # Ok::<(), llm2api_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthCode(Secret);

impl AuthCode {
    /// Takes a text, without the blanks around it.
    ///
    /// # Errors
    /// [`ErrorKind::AuthInvalid`] for what is no code: empty, longer than 8192 bytes, or with
    /// characters that no code has.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(wrong("the code is longer than any code: pass on the code alone"));
        }
        match text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.is_empty() {
            true => Ok(Self(Secret::from(text))),
            false => Err(wrong("the code has other characters than a code has: copy it whole")),
        }
    }

    /// Returns the text itself. What receives it must not log it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorKind::AuthInvalid, "read authorisation code", message)
}
