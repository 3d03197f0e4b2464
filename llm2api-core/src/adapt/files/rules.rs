//! What files a request may bring.

/// Whether images are fetched from the addresses that requests name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteImages {
    /// Never.
    #[default]
    Off,
    /// From addresses that anybody on the internet can reach, and from no others.
    Public,
}

/// What files a request may bring; [`Default`] gives the documented values.
///
/// # Example
/// ```
/// use llm2api_core::adapt::files::{FileRules, RemoteImages};
///
/// let mut rules = FileRules::default();
/// assert_eq!(rules.remote_images, RemoteImages::Off);
/// rules.remote_images = RemoteImages::Public;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileRules {
    /// Whether images are fetched from addresses. Never.
    pub remote_images: RemoteImages,
    /// Bytes of one file, unpacked from base64. 10 MiB.
    pub file_limit: usize,
    /// Bytes of all files of a request, and of the text that was read out of them. 15 MiB.
    pub total_limit: usize,
    /// Files of a request. 32.
    pub count_limit: usize,
    /// Bytes of text of one document. 1 MiB.
    pub text_limit: usize,
}

impl Default for FileRules {
    fn default() -> Self {
        Self {
            remote_images: RemoteImages::Off,
            file_limit: 10 << 20,
            total_limit: 15 << 20,
            count_limit: 32,
            text_limit: 1 << 20,
        }
    }
}
