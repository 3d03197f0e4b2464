//! Clients that leave while their request is worked on.

use std::future::pending;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::busy::Turns;

/// Between two looks. Twice this is the longest that a request outlives its client.
const PAUSE: Duration = Duration::from_millis(250);

/// Ends when the client has closed its side and the request that it waits for goes on.
///
/// hyper sees a client leave only while its read buffer is empty and the request's body has been
/// read: with one pipelined byte behind the request it never reads again before the answer. The
/// kernel tells of the close apart from the data, so it is seen here whatever still waits unread.
///
/// As with hyper, a client that closes only its sending side counts as gone. It must be seen twice
/// during the same request: an answer that comes at once is still written.
pub(super) async fn left(stream: &TcpStream, turns: &Turns) {
    let mut seen = None;
    while let Ok(ready) = stream.ready(Interest::READABLE).await {
        let found = turns.working().filter(|_| ready.is_read_closed());
        if found.is_some() && found == seen {
            return;
        }
        seen = found;
        // What waits unread keeps the stream ready, so waiting for it alone would spin.
        sleep(PAUSE).await;
    }
    // Only a runtime that ends takes the readiness away, and with it all the rest.
    pending::<()>().await;
}
