//! Rules for files, with what it takes to keep them.

use std::sync::Arc;

use super::extract::{Extract, NoExtract};
use super::fetch::{Fetch, NoFetch};
use super::inline::inline_files;
use super::rules::FileRules;
use crate::chat::ChatRequest;
use crate::error::Result;

/// Rules for files, with what fetches and reads them. Clones share those.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::adapt::files::FileKit;
/// use llm2api_core::{ChatRequest, Message};
///
/// let request = ChatRequest::new("m").with_message(Message::user("no file here"));
/// let request = FileKit::default().inline(request).await?;
/// assert_eq!(request.messages.len(), 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct FileKit {
    rules: FileRules,
    fetch: Arc<dyn Fetch>,
    extract: Arc<dyn Extract>,
}

impl FileKit {
    /// Puts rules and what keeps them together.
    pub fn new(rules: FileRules, fetch: Arc<dyn Fetch>, extract: Arc<dyn Extract>) -> Self {
        Self { rules, fetch, extract }
    }

    /// Returns the rules.
    pub fn rules(&self) -> &FileRules {
        &self.rules
    }

    /// Rewrites a request as [`inline_files`] does.
    ///
    /// # Errors
    /// As [`inline_files`].
    pub async fn inline(&self, request: ChatRequest) -> Result<ChatRequest> {
        inline_files(request, &self.rules, &*self.fetch, &*self.extract).await
    }
}

impl Default for FileKit {
    /// Takes files that need neither fetching nor extracting.
    fn default() -> Self {
        Self::new(FileRules::default(), Arc::new(NoFetch), Arc::new(NoExtract))
    }
}
