//! Clients that leave, and servers that die, against real server processes: the upstream is freed,
//! and nothing of ours is left behind.

mod crash;
mod crowd;
mod phases;
mod stage;
