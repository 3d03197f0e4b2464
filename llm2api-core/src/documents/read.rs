//! From the bytes of a document to its text, in this process.

use super::fault::Fault;
use super::{docx, pdf};
use crate::adapt::files::DocumentKind;

/// Returns the text of a document.
///
/// A file that means harm may make this panic, run for very long, or take all memory and stack: call
/// it in a process that is bounded, as [`serve`](super::serve) is meant to be.
///
/// # Errors
/// [`Fault`]s.
///
/// # Example
/// ```
/// use llm2api_core::adapt::files::DocumentKind;
/// use llm2api_core::documents::{Fault, extract};
///
/// assert_eq!(extract(DocumentKind::Docx, b"no archive"), Err(Fault::Damaged));
/// ```
pub fn extract(kind: DocumentKind, bytes: &[u8]) -> Result<String, Fault> {
    let text = match kind {
        DocumentKind::Pdf => pdf::text(bytes),
        DocumentKind::Docx => docx::text(bytes),
    }?;
    match text.trim() {
        "" => Err(Fault::NoText),
        text => Ok(text.chars().filter(|letter| is_for_people(*letter)).collect()),
    }
}

/// Fonts without a table of their letters leave numbers behind that only look like text.
fn is_for_people(letter: char) -> bool {
    !letter.is_control() || matches!(letter, '\n' | '\t')
}
