//! The server through its public door: real sockets, the demo upstream.

mod accounts;
mod chat;
mod clients;
mod documents;
mod faults;
mod harness;
mod health;
mod metrics;
mod operator;
mod parameters;
mod routes;
mod search;
mod shutdown;
