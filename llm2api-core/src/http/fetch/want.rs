//! What is asked for at an address, and what is said where that fails.

use std::time::Duration;

use super::page::PageKind;
use crate::error::{Error, ErrorKind};

/// What is asked for at an address.
#[derive(Debug)]
pub(super) struct Want {
    /// How it is called in messages.
    pub(super) name: &'static str,
    operation: &'static str,
    code: &'static str,
    /// The types that are asked for.
    pub(super) accept: &'static str,
    /// Says whether a type is taken.
    pub(super) takes: fn(&str) -> bool,
    /// For all hops, to the last byte; and in words.
    pub(super) time: Duration,
    time_in_words: &'static str,
}

pub(super) const IMAGE: Want = Want {
    name: "an image",
    operation: "fetch image",
    code: "invalid_image_url",
    accept: "image/png, image/jpeg, image/*;q=0.1",
    takes: |content_type| content_type.to_ascii_lowercase().starts_with("image/"),
    time: Duration::from_secs(10),
    time_in_words: "ten seconds",
};

pub(super) const PAGE: Want = Want {
    name: "a page",
    operation: "fetch page",
    code: "search_page",
    accept: "text/html, application/xhtml+xml, text/plain;q=0.5",
    takes: |content_type| PageKind::of(content_type).is_some(),
    time: Duration::from_secs(5),
    time_in_words: "five seconds",
};

impl Want {
    /// What is not public and what does not answer read the same: nobody learns what is there.
    pub(super) fn out_of_reach(&self) -> Error {
        self.refused(format!(
            "{} could not be fetched: its address must be public, answer, and use http or https at \
             the usual port without a password",
            self.name
        ))
    }

    pub(super) fn no_answer(&self, error: reqwest::Error) -> Error {
        self.out_of_reach().with_source(error.without_url())
    }

    pub(super) fn too_many_redirects(&self) -> Error {
        self.refused(format!("{}'s address redirects more than three times", self.name))
    }

    pub(super) fn something_else(&self) -> Error {
        self.refused(format!("{0}'s address does not lead to {0}", self.name))
    }

    pub(super) fn late(&self) -> Error {
        self.refused(format!("{} could not be fetched within {}", self.name, self.time_in_words))
    }

    pub(super) fn too_large(&self, limit: usize) -> Error {
        let message = format!("{} at an address has more than {limit} bytes", self.name);
        Error::new(ErrorKind::RequestTooLarge, self.operation, message)
    }

    fn refused(&self, message: String) -> Error {
        Error::new(ErrorKind::InvalidRequest, self.operation, message).with_code(self.code)
    }
}
