//! Ids of answers.

use std::fmt::Write as _;

use crate::openai::error::Failure;

/// Makes an id that no other answer has.
pub(crate) fn new_id(prefix: &str) -> Result<String, Failure> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| Failure::internal())?;
    let mut id = format!("{prefix}_");
    for byte in bytes {
        write!(id, "{byte:02x}").expect("a String takes everything");
    }
    Ok(id)
}
