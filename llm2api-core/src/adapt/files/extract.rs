//! What reads the text of documents.

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use super::refusal;
use crate::error::Result;

/// A kind of document whose text has to be taken out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentKind {
    /// A PDF file.
    Pdf,
    /// A Word file since 2007.
    Docx,
}

impl DocumentKind {
    /// Returns the name that files of this kind end in.
    ///
    /// ```
    /// use llm2api_core::adapt::files::DocumentKind;
    ///
    /// assert_eq!(DocumentKind::from_name("docx"), Some(DocumentKind::Docx));
    /// assert_eq!(DocumentKind::Docx.name(), "docx");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Docx => "docx",
        }
    }

    /// Finds the kind of a [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pdf, Self::Docx].into_iter().find(|kind| kind.name() == name)
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        }
    }
}

/// Reads the text of documents, which may be made to do harm.
///
/// # Example
/// ```
/// use async_trait::async_trait;
/// use bytes::Bytes;
/// use llm2api_core::Result;
/// use llm2api_core::adapt::files::{DocumentKind, Extract};
///
/// #[derive(Debug)]
/// struct SameText;
///
/// #[async_trait]
/// impl Extract for SameText {
///     async fn text(&self, _kind: DocumentKind, _bytes: Bytes) -> Result<String> {
///         Ok("hello".into())
///     }
/// }
/// ```
#[async_trait]
pub trait Extract: Debug + Send + Sync + 'static {
    /// Returns the text of a document.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) for a document that cannot be
    /// read, [`ErrorKind::RequestTooLarge`](crate::ErrorKind::RequestTooLarge) for one of too much
    /// text.
    async fn text(&self, kind: DocumentKind, bytes: Bytes) -> Result<String>;
}

/// Reads no documents.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoExtract;

#[async_trait]
impl Extract for NoExtract {
    async fn text(&self, _kind: DocumentKind, _bytes: Bytes) -> Result<String> {
        Err(refusal::no_documents())
    }
}
