//! Searches the web for a question, and puts what was found into its prompt and its answer.

mod source;

pub use source::Source;
