//! Chapters: what the parts are for, and why they are as they are.

#[doc = include_str!("concepts.md")]
pub mod concepts {}

#[doc = include_str!("streaming.md")]
pub mod streaming {}

#[doc = include_str!("writing_an_upstream.md")]
pub mod writing_an_upstream {}

#[doc = include_str!("writing_a_layer.md")]
pub mod writing_a_layer {}

#[doc = include_str!("decisions.md")]
pub mod decisions {}
