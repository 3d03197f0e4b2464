//! Whatever a client sends has a limit, and each excess is refused so that the client learns why.

mod bodies;
mod descriptors;
mod heads;
mod inflight;
