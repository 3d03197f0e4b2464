//! Traces: what a collector is told, and who else learns of them.

mod collector;
mod context;
mod outage;
mod secrets;
mod spans;
mod stage;
