//! Our own accept loop.
//!
//! poem's never closes a half-sent head, spins where descriptors run out and leaves Nagle's
//! algorithm on (measured with 3.1.12), so connections are taken here and only their requests go
//! to poem's endpoint. The one place in the server that spawns.

mod busy;
mod clocks;
mod connection;
mod departure;
mod refusal;
mod socket;
mod stall;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::{Endpoint, Response};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use crate::config::ClientLimits;
use crate::stop::Stop;
use connection::Connection;

const BACKLOG: u32 = 8192;
/// Long enough not to spin where descriptors ran out, short enough that nobody notices.
const BACK_OFF: Duration = Duration::from_millis(75);
/// What was cut may still write its error and close.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A listening socket and the limits that hold for its clients.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    limits: ClientLimits,
}

impl Server {
    /// Begins to listen; clients wait in the backlog until [`serve`](Self::serve) runs.
    ///
    /// # Errors
    /// Those of the operating system, such as an address that is in use.
    pub fn bind(address: SocketAddr, limits: ClientLimits) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self { listener: socket.listen(BACKLOG)?, limits })
    }

    /// Returns the address, with the port that the system chose where 0 was asked for.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` drains, then lets what runs go on for `grace`, then cuts it.
    pub async fn serve<E>(self, endpoint: E, stop: Stop, grace: Duration)
    where
        E: Endpoint<Output = Response> + 'static,
    {
        let Self { listener, limits } = self;
        let endpoint = Arc::new(endpoint);
        let mut gate = Gate::new(listener, limits.connections);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.draining() => break,
                Some(ended) = connections.join_next() => note(ended),
                (stream, peer, slot) = gate.next() => {
                    let connection = Connection::new(stream, peer, limits);
                    let (endpoint, stop) = (endpoint.clone(), stop.clone());
                    connections.spawn(async move {
                        connection.serve(endpoint, stop).await;
                        drop(slot);
                    });
                }
            }
        }
        // Closes the listening socket: nobody new waits for an answer that will not come.
        drop(gate);
        finish(connections, &stop, grace).await;
    }
}

/// Lets connections end by themselves, then tells them to, then ends them.
async fn finish(mut connections: JoinSet<()>, stop: &Stop, grace: Duration) {
    info!(connections = connections.len(), grace_seconds = grace.as_secs(), "shutting down");
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

/// Takes connections, as many at the same time as there are slots.
struct Gate {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    failing: bool,
}

impl Gate {
    fn new(listener: TcpListener, connections: usize) -> Self {
        let slots = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        Self { listener, slots, failing: false }
    }

    /// Waits for the next connection. Nothing is lost if this is dropped half-way.
    async fn next(&mut self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        let slot = self.slots.clone().acquire_owned().await;
        let slot = slot.expect("the semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.failing = false;
                    return (stream, peer, slot);
                }
                Err(error) if is_of_one_connection(&error) => debug!(%error, "a client gave up"),
                Err(error) => {
                    if !self.failing {
                        warn!(%error, "cannot accept connections, trying again");
                    }
                    self.failing = true;
                    sleep(BACK_OFF).await;
                }
            }
        }
    }
}

/// Says whether the next connection may fare better at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}
