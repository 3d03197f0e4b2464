//! Several servers over one store: real processes, a real Redis, the simulator as upstream.

mod outage;
mod outbox;
mod permits;
mod stage;
mod tls;
