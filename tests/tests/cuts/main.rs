//! Connections that break at any byte of an answer, through the core's public door.
//!
//! Every call has a simulator, a proxy that cuts, and a client; many run at the same time. A plain
//! run takes some of the recordings, one with `PROOF=true` all of them.

mod answer;
mod check;
mod lane;
mod long;
mod offsets;
mod openai;
mod recording;
