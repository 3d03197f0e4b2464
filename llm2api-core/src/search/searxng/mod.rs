//! SearXNG, a search engine over search engines.
//!
//! Source of the protocol: SearXNG's documentation of its search API, `GET /search` with
//! `format=json`; what it does beyond that was read in its source (`searx/webapp.py`,
//! `searx/query.py`, `searx/botdetection/`) and seen with searx 1.1.

mod client;
mod commands;
mod explain;
mod wire;

pub use client::SearXng;

#[cfg(test)]
mod tests;
