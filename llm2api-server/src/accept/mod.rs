//! Our own accept loop.
//!
//! poem's never closes a half-sent head, spins where descriptors run out and leaves Nagle's
//! algorithm on (measured with 3.1.12), so connections are taken here and only their requests go
//! to poem's endpoint. The one place in the server that spawns.

mod busy;
mod clocks;
mod connection;
mod departure;
mod gate;
mod refusal;
mod socket;
mod stall;
mod upload;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use poem::{Endpoint, Response};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::live::Live;
use crate::stop::Stop;
pub(crate) use busy::Turns;
use connection::Connection;
use gate::{Arrival, Gate};

const BACKLOG: u32 = 8192;
/// So long those who watch the server's health can still learn that it ends, and from an answer.
const FAREWELL: Duration = Duration::from_secs(1);
/// What was cut may still write its error and close.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A listening socket.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

impl Server {
    /// Begins to listen; clients wait in the backlog until [`serve`](Self::serve) runs.
    ///
    /// # Errors
    /// Those of the operating system, such as an address that is in use.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self { listener: socket.listen(BACKLOG)? })
    }

    /// Returns the address, with the port that the system chose where 0 was asked for.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` drains, then lets what runs go on for the grace, then cuts it. Each
    /// connection goes by the limits that `live` has when it begins.
    ///
    /// In the first second of the grace clients are still let in, for the endpoint to refuse them:
    /// a load balancer that asks for the server's health gets an answer, not a door that is shut.
    pub async fn serve<E>(self, endpoint: E, stop: Stop, live: Live)
    where
        E: Endpoint<Output = Response> + 'static,
    {
        let gate = Gate::new(self.listener, live.now().limits.connections);
        let mut hall = Hall::new(gate, endpoint, stop.clone(), live.clone());
        hall.receive_until(stop.draining()).await;
        let (open, grace) = (hall.connections.len(), live.now().grace);
        info!(connections = open, grace_seconds = grace.as_secs(), "shutting down");
        let farewell = grace.min(FAREWELL);
        // Out of time or cut off: the door shuts in either case.
        hall.receive_until(async { drop(timeout(farewell, stop.cut_off()).await) }).await;
        hall.receive_waiting();
        stop.close();
        finish(hall.shut(), &stop, grace.saturating_sub(farewell)).await;
    }
}

/// The open door, and all who came in.
struct Hall<E> {
    gate: Gate,
    endpoint: Arc<E>,
    stop: Stop,
    live: Live,
    connections: JoinSet<()>,
}

impl<E: Endpoint<Output = Response> + 'static> Hall<E> {
    fn new(gate: Gate, endpoint: E, stop: Stop, live: Live) -> Self {
        Self { gate, endpoint: Arc::new(endpoint), stop, live, connections: JoinSet::new() }
    }

    /// Takes connections until `end`.
    async fn receive_until(&mut self, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            tokio::select! {
                biased;
                () = &mut end => return,
                Some(ended) = self.connections.join_next() => note(ended),
                arrival = self.gate.next() => self.receive(arrival),
            }
        }
    }

    /// Takes those who wait before the door: who has connected is answered.
    fn receive_waiting(&mut self) {
        while let Some(arrival) = self.gate.next().now_or_never() {
            self.receive(arrival);
        }
    }

    fn receive(&mut self, (stream, peer, slot): Arrival) {
        let connection = Connection::new(stream, peer, self.live.now().limits);
        let (endpoint, stop) = (self.endpoint.clone(), self.stop.clone());
        self.connections.spawn(async move {
            connection.serve(endpoint, stop).await;
            drop(slot);
        });
    }

    /// Closes the listening socket: nobody new waits for an answer that will not come.
    fn shut(self) -> JoinSet<()> {
        self.connections
    }
}

/// Lets connections end by themselves, then tells them to, then ends them.
async fn finish(mut connections: JoinSet<()>, stop: &Stop, grace: Duration) {
    let cut = stop.cut_off();
    let all = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = all => return,
        () = sleep(grace) => stop.cut(),
        () = cut => {}
    }
    warn!(connections = connections.len(), "cutting what still runs");
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(LAST_WORDS, all).await.is_err() {
        connections.shutdown().await;
    }
}

/// The error's own text is left out: it repeats a panic's message, which may quote a client.
fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        warn!(panicked = error.is_panic(), "a connection's task ended badly");
    }
}
