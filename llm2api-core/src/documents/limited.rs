//! A text that does not grow without end.

use std::io;

use super::fault::Fault;

/// A text of more than this many bytes is no use to a model.
pub(super) const TEXT_LIMIT: usize = 4 << 20;

/// Takes text up to a limit.
#[derive(Debug, Default)]
pub(super) struct LimitedText {
    bytes: Vec<u8>,
    full: bool,
}

impl LimitedText {
    pub(super) fn push(&mut self, text: &str) -> Result<(), Fault> {
        if self.bytes.len() + text.len() > TEXT_LIMIT {
            self.full = true;
            return Err(Fault::TooLong);
        }
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Says whether something did not fit.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn ends_with(&self, text: &str) -> bool {
        self.bytes.is_empty() || self.bytes.ends_with(text.as_bytes())
    }

    /// Takes spaces and tabs off the end.
    pub(super) fn trim_line(&mut self) {
        while matches!(self.bytes.last(), Some(b' ' | b'\t')) {
            self.bytes.pop();
        }
    }

    pub(super) fn into_text(self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl io::Write for LimitedText {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.push(&text).map_err(|_| io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
