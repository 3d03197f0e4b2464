//! The door: takes connections, as many at the same time as there are slots.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tracing::{debug, warn};

/// Long enough not to spin where descriptors ran out, short enough that nobody notices.
const BACK_OFF: Duration = Duration::from_millis(75);

/// A client that was let in: its connection, its address, and the slot that it takes.
pub(super) type Arrival = (TcpStream, SocketAddr, OwnedSemaphorePermit);

/// A listening socket that lets in no more clients than there are slots; dropping it closes it.
pub(super) struct Gate {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    failing: bool,
}

impl Gate {
    pub(super) fn new(listener: TcpListener, connections: usize) -> Self {
        let slots = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        Self { listener, slots, failing: false }
    }

    /// Waits for the next connection. Nothing is lost if this is dropped half-way.
    pub(super) async fn next(&mut self) -> Arrival {
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
