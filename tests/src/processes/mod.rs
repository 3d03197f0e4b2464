//! Real processes on free ports: the server, a simulator, a Redis and a searx. Each ends with its handle.

mod api;
mod authority;
mod outcome;
mod port;
mod program;
mod redis;
mod searx;
mod server;
mod stage;
mod upstream;
mod wait;
mod wire;

pub use api::{Answer, Api, MODEL, envelope, http, state_of};
pub use authority::Authority;
pub use outcome::Outcome;
pub use port::free_port;
pub use program::Program;
pub use redis::Redis;
pub use searx::Searx;
pub use server::{ADMIN_KEY, API_KEY, Server};
pub use stage::{CHAT_UI, OPENAI, Stage};
pub use upstream::Upstream;
pub use wait::eventually;
pub use wire::{Told, Wire, chat, text_of};
