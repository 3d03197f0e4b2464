//! What ids are called, looked up when they are shown: names change.

use llm2api_core::Client;

/// Looks names up.
pub(in crate::routes) struct Names<'a> {
    client: &'a Client,
}

impl<'a> Names<'a> {
    pub(in crate::routes) fn of(client: &'a Client) -> Self {
        Self { client }
    }

    /// Returns what a credential is called.
    pub(super) fn credential(&self, id: &str) -> Option<String> {
        self.client.accounts().label(id)
    }

    /// Returns what a client key is called.
    pub(super) fn key(&self, id: &str) -> Option<String> {
        self.client.keys().label(id)
    }
}
