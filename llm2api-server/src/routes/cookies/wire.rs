//! Lists of accounts as JSON.

use llm2api_core::accounts::{AccountStatus, Added, Checked};
use serde::Serialize;

use crate::openai::error::Failure;

/// A list of accounts.
#[derive(Serialize)]
pub(super) struct Page<'a> {
    pub(super) data: &'a [AccountStatus],
    /// All accounts, whatever part of them is shown.
    pub(super) total: usize,
}

/// All that were checked.
#[derive(Serialize)]
pub(super) struct CheckedList {
    pub(super) data: Vec<Checked>,
}

/// What became of one account of an import.
#[derive(Serialize)]
pub(super) struct Outcome<'a> {
    /// Its place in what was sent, from 0.
    pub(super) index: usize,
    /// `ok`, `duplicate` or `error`.
    pub(super) result: &'static str,
    #[serde(flatten)]
    pub(super) account: Option<&'a Added>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Told<'a>>,
}

/// An error of one account.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    pub(super) code: &'a str,
    pub(super) message: &'a str,
}

impl<'a> From<&'a Failure> for Told<'a> {
    fn from(failure: &'a Failure) -> Self {
        Self { code: failure.code(), message: failure.message() }
    }
}

/// What became of an import.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) data: Vec<Outcome<'a>>,
    pub(super) added: usize,
    pub(super) duplicates: usize,
    pub(super) failed: usize,
}
