//! The web search from outside: real servers, a SearXNG that is played or real, and what clients,
//! upstreams and SearXNG get to see.

mod answer;
mod cache;
mod dialects;
mod engine;
mod faults;
mod history;
mod injection;
mod leave;
mod outage;
mod quiet;
mod rewriting;
mod stage;
