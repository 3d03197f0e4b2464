//! A client takes other settings while calls go on.

mod authorisation;
mod frail_store;
mod gatehouse;
mod places;
mod settings;
mod upstreams;
