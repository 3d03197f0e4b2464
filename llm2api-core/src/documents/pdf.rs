//! The text of PDF files.

use std::io::Write;

use pdf_extract::{Document, Error, OutputError, PlainTextOutput, output_doc};

use super::fault::Fault;
use super::limited::LimitedText;

/// Many files are locked against changes only, and open without a word.
const NO_PASSWORD: &str = "";

/// Returns the text of all pages.
pub(super) fn text(bytes: &[u8]) -> Result<String, Fault> {
    let mut document = Document::load_mem(bytes).map_err(|error| fault(&error))?;
    if document.is_encrypted() {
        document.decrypt(NO_PASSWORD).map_err(|_| Fault::Locked)?;
    }
    if document.get_pages().is_empty() {
        return Err(Fault::Damaged);
    }
    let mut text = LimitedText::default();
    let written = output_doc(&document, &mut PlainTextOutput::new(&mut text as &mut dyn Write));
    match written {
        _ if text.is_full() => Err(Fault::TooLong),
        Ok(()) => Ok(text.into_text()),
        Err(OutputError::PdfError(error)) => Err(fault(&error)),
        Err(_) => Err(Fault::Damaged),
    }
}

fn fault(error: &Error) -> Fault {
    match error {
        Error::Decryption(_) | Error::InvalidPassword => Fault::Locked,
        _ => Fault::Damaged,
    }
}
