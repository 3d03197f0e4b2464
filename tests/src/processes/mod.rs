//! Real processes on free ports: the server, a simulator and a Redis. Each ends with its handle.

mod api;
mod program;
mod redis;
mod server;
mod upstream;
mod wait;

pub use api::{Answer, Api, envelope, state_of};
pub use program::Program;
pub use redis::Redis;
pub use server::{ADMIN_KEY, API_KEY, Server};
pub use upstream::Upstream;
pub use wait::eventually;
