//! What the design says of the sources, read from the sources.

mod arrows;
mod guarantees;
mod owners;
mod sources;
