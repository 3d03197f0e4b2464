//! Programs that show one thing each: see `rust/`, and run one with `cargo run -p examples --example NAME`.

/// The front page: its Rust code is compiled and run with the doc-tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[derive(Debug)]
pub struct FrontPage;
