//! One connection: from its bytes to poem's requests and back.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use llm2api_core::Call;
use poem::http::uri::Scheme;
use poem::http::{Version, header};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Request, Response};
use tokio::net::TcpStream;
use tracing::debug;

use super::busy::{BusyBody, Turns};
use super::socket::Socket;
use crate::config::ClientLimits;
use crate::openai::error::Failure;
use crate::stop::Stop;

type Answer = hyper::Response<BusyBody<BoxBody<Bytes, io::Error>>>;

/// A connection that was taken.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    limits: ClientLimits,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, peer: SocketAddr, limits: ClientLimits) -> Self {
        Self { stream, peer, limits }
    }

    /// Serves request after request until either side has had enough.
    ///
    /// hyper reads on while a request is worked on: when the client closes, the request's future
    /// is dropped, and with it everything upstream.
    pub(super) async fn serve<E>(self, endpoint: Arc<E>, stop: Stop)
    where
        E: Endpoint<Output = Response> + 'static,
    {
        let Self { stream, peer, limits } = self;
        // Small events must leave at once; a socket that refuses this is about to fail anyway.
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().map_or_else(|_| Addr::default(), Addr::from);
        let caller = Caller { local, peer, turns: Turns::default() };
        let socket = TokioIo::new(Socket::new(stream, limits, caller.turns.clone()));
        let service = service_fn(move |request| call(endpoint.clone(), caller.clone(), request));
        let mut connection = pin!(builder(&limits).serve_connection(socket, service));
        let result = tokio::select! {
            result = &mut connection => result,
            () = stop.draining() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            debug!(%peer, %error, "a connection ended early");
        }
    }
}

/// hyper's own head timer stays off: it cannot tell an idle client from a slow one, [`Socket`] can.
/// The limit of 100 header fields is hyper's default; setting it would cost an allocation a request.
fn builder(limits: &ClientLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_header_size(limits.head_limit);
    // Also bounds what is buffered for a client that does not read.
    builder.max_buf_size(limits.head_limit);
    builder
}

/// What is known about who calls.
#[derive(Clone, Debug)]
struct Caller {
    local: Addr,
    peer: SocketAddr,
    turns: Turns,
}

async fn call<E>(
    endpoint: Arc<E>,
    caller: Caller,
    request: hyper::Request<Incoming>,
) -> Result<Answer, Infallible>
where
    E: Endpoint<Output = Response>,
{
    let busy = caller.turns.begin();
    let has_body = request.body().size_hint().exact() != Some(0);
    let response = if names_one_host(&request) {
        let (local, remote) = (LocalAddr(caller.local), RemoteAddr(Addr::from(caller.peer)));
        let request = Request::from((request, local, remote, Scheme::HTTP));
        endpoint.get_response(request).await
    } else {
        Failure::bad_host().respond(Call::random().id())
    };
    if has_body && response.status().is_client_error() {
        caller.turns.expect_leftovers();
    }
    let response: hyper::Response<BoxBody<Bytes, io::Error>> = response.into();
    Ok(response.map(|inner| BusyBody { inner, _busy: busy }))
}

/// hyper leaves this to the service. Proxies before us may have gone by either of two hosts.
fn names_one_host(request: &hyper::Request<Incoming>) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() == Version::HTTP_10,
        hosts => hosts == 1,
    }
}
