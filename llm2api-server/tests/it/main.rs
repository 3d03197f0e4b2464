//! The server through its public door: real sockets, the demo upstream.

mod chat;
mod clients;
mod faults;
mod harness;
mod routes;
mod shutdown;
