//! Accepting connections and serving requests on them.

use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::exchange::Fate;
use super::{Connection, Exchange, Request};
use crate::faces;
use crate::state::State;

/// Accepts connections for as long as the simulator lives.
pub(crate) async fn accept(listener: TcpListener, state: Weak<State>) {
    loop {
        let accepted = listener.accept().await;
        let Some(state) = state.upgrade() else { return };
        let Ok((stream, peer)) = accepted else {
            // Out of descriptors, most likely: give the others time to end.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let work = serve(Arc::downgrade(&state), stream, peer);
        state.tasks.spawn(work);
    }
}

async fn serve(state: Weak<State>, stream: TcpStream, peer: std::net::SocketAddr) {
    let Some(guard) = state.upgrade().map(|state| state.log.connected()) else { return };
    drop(stream.set_nodelay(true));
    let mut connection = Connection::new(stream, peer);
    loop {
        match serve_one(&state, &mut connection).await {
            Ok(Served::Keep) => {}
            Ok(Served::Close) | Err(_) => break,
            Ok(Served::TooLarge) => {
                connection.drain().await;
                break;
            }
        }
    }
    drop(guard);
}

/// How a request ended.
enum Served {
    Keep,
    Close,
    TooLarge,
}

async fn serve_one(state: &Weak<State>, connection: &mut Connection) -> io::Result<Served> {
    let Some(mut request) = Request::read_head(connection).await? else {
        return Ok(Served::Close);
    };
    let Some(state) = state.upgrade() else { return Ok(Served::Close) };
    let limit = faces::body_limit(&state, &request);
    let fits = request.read_body(connection, limit).await?;
    let mut script = None;
    if !faces::control::is_control(&request) {
        // Who sees a request in the log knows that what follows it has another script.
        script = if fits { state.take_path_script(&request.path) } else { None };
        let received = request.received.clone();
        state.log.note(|log| log.requests.push(received));
    }
    let mut exchange = Exchange::new(connection, &request);
    if state.options().close_delimited {
        exchange.delimit_by_close();
    }
    if !fits {
        exchange.reply(faces::too_large(&state, &request)).await?;
        return Ok(Served::TooLarge);
    }
    faces::answer(&state, &request, &mut exchange, script).await?;
    Ok(if exchange.fate() == Fate::Keep { Served::Keep } else { Served::Close })
}
