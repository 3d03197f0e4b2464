//! Ports for servers that have to be told one.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Ports below those that the system gives to clients: nobody else takes one while it is down.
const PORTS: std::ops::Range<u16> = 20_000..30_000;
/// Between the first ports of two processes that were started one after the other.
const APART: u32 = 17;

/// A free port, searched from a place that differs from process to process, and from server to
/// server: what is free now may be taken before it is listened on.
pub fn free_port() -> u16 {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let place = std::process::id().wrapping_mul(APART) + STARTED.fetch_add(1, Ordering::Relaxed);
    let spread = u16::try_from(place % 9000).expect("is below 9000");
    let candidates = (PORTS.start + spread..PORTS.end).chain(PORTS);
    let mut free =
        candidates.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.next().expect("a free port")
}
