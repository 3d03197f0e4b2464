//! A client takes other settings while calls go on.

mod gatehouse;
mod places;
mod settings;
mod upstreams;
