//! Images and files for an upstream that takes text and PNG or JPEG images only.
//!
//! [`inline_files`] rewrites a request: images become checked `data:` URLs, files become images or
//! text. Two things it leaves to others, each behind a trait, since each needs more than
//! computation: to [`Fetch`] an image from an address, and to [`Extract`] the text of a document.

mod budget;
mod data_url;
mod document;
mod extract;
mod fetch;
mod image;
mod inline;
mod intake;
mod kit;
mod refusal;
mod rules;
mod sniff;
#[cfg(test)]
mod tests;
mod text;

pub use extract::{DocumentKind, Extract, NoExtract};
pub use fetch::{Fetch, NoFetch};
pub use inline::inline_files;
pub use kit::FileKit;
pub use rules::{FileRules, RemoteImages};
