//! Tests of the face through its socket.

mod client;
mod reattach;
mod recorded;
