//! How much more a request may bring.

use super::refusal;
use super::rules::FileRules;
use crate::error::Result;

/// Counts the files of one request.
#[derive(Debug)]
pub(super) struct Budget<'a> {
    rules: &'a FileRules,
    files: usize,
    bytes: usize,
}

impl<'a> Budget<'a> {
    pub(super) fn new(rules: &'a FileRules) -> Self {
        Self { rules, files: 0, bytes: 0 }
    }

    /// Counts a file before anything is done with it; returns how large it may be.
    pub(super) fn open(&mut self) -> Result<usize> {
        self.files += 1;
        if self.files > self.rules.count_limit {
            return Err(refusal::too_many(self.rules.count_limit));
        }
        Ok(self.rules.file_limit)
    }

    /// Counts bytes that are held from now on.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.rules.total_limit {
            return Err(refusal::too_much(self.rules.total_limit));
        }
        Ok(())
    }

    /// Counts the text of a document.
    pub(super) fn spend_text(&mut self, text: &str) -> Result<()> {
        if text.len() > self.rules.text_limit {
            return Err(refusal::too_long(self.rules.text_limit));
        }
        self.spend(text.len())
    }
}
