//! Many streams at the same time, through the real server.
//!
//! A plain run is small enough for any machine. One with `PROOF=true` is meant for a release build
//! of server and simulator (`LLM2API_SERVER`, `LLM2API_SIM`) on a machine that does nothing else.

mod aborts;
mod flow;
mod stage;
mod stalls;
