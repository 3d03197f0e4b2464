//! Fetches images and pages from addresses that others name, without lending them our place in the
//! network.
//!
//! Three things hold for every hop. The address is judged before anything is sent. A name is looked
//! up once, and the connection goes to what that gave. And whatever is not public is refused in the
//! same words as what does not answer.

mod fetcher;
mod lookup;
mod page;
mod public;
mod reach;
#[cfg(test)]
mod tests;
mod want;

pub use fetcher::PublicFetcher;
pub use page::{Page, PageKind};
pub use public::is_public;
