//! JSON as models write it: found in prose, repaired, checked against a schema.

mod cost;
mod find;
mod look;
mod quote;
mod reader;
mod repair;
mod schema;
mod string;
mod word;

pub use find::find;
pub(crate) use find::find_all;
pub use repair::repair;
pub use schema::Schema;

/// How deep a document may be nested: what the JSON parser of this crate reads.
const MOST_DEPTH: usize = 127;

#[cfg(test)]
mod tests;
