//! What the program that reads a document and the one that started it say to each other.

use std::io::{Read, Write};

use super::fault::Fault;
use super::read::extract;
use crate::adapt::files::DocumentKind;

/// Stands before the text, so that nothing else that a program prints is taken for one.
pub(super) const MARK: &[u8] = b"llm2api document text\n";
/// Longer documents are not sent.
const INPUT_LIMIT: u64 = 64 << 20;

/// Reads a document from `input`, to its end, and writes its text to `output`: what a program does
/// that a [`ProcessExtractor`](super::ProcessExtractor) starts. It should end with the
/// [exit code](Fault::exit_code) of the fault, and 0 if there is none.
///
/// # Errors
/// [`Fault`]s; [`Fault::Damaged`] also where input or output break off.
///
/// # Example
/// ```
/// use llm2api_core::adapt::files::DocumentKind;
/// use llm2api_core::documents::{Fault, serve};
///
/// let mut output = Vec::new();
/// assert_eq!(serve(DocumentKind::Pdf, &b"no PDF"[..], &mut output), Err(Fault::Damaged));
/// assert!(output.is_empty());
/// ```
pub fn serve(kind: DocumentKind, input: impl Read, mut output: impl Write) -> Result<(), Fault> {
    let mut bytes = Vec::new();
    input.take(INPUT_LIMIT).read_to_end(&mut bytes).map_err(|_| Fault::Damaged)?;
    let text = extract(kind, &bytes)?;
    let said = output.write_all(MARK).and_then(|()| output.write_all(text.as_bytes()));
    said.and_then(|()| output.flush()).map_err(|_| Fault::Damaged)
}
