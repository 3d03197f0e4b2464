//! One connection: from its bytes to poem's requests and back.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures::FutureExt;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use llm2api_core::Call;
use llm2api_core::dormant::Dormant;
use poem::Body as PoemBody;
use poem::http::uri::Scheme;
use poem::http::{HeaderValue, Version, header};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Request, Response};
use tokio::net::TcpStream;
use tracing::{debug, info};

use super::busy::{BusyBody, Turns};
use super::departure::left;
use super::socket::Socket;
use super::upload::Upload;
use crate::config::ClientLimits;
use crate::edge::REQUEST_ID;
use crate::openai::error::Failure;
use crate::stop::Stop;

type AnswerBody = BusyBody<BoxBody<Bytes, io::Error>>;
type Answer = hyper::Response<AnswerBody>;

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
    /// When the client leaves while a request is worked on, the request's future is dropped, and
    /// with it everything upstream. hyper sees that at once where it reads on, and [`left`] a little
    /// later where it does not.
    pub(super) async fn serve<E>(self, endpoint: Arc<E>, stop: Stop)
    where
        E: Endpoint<Output = Response> + 'static,
    {
        let Self { stream, peer, limits } = self;
        // Small events must leave at once; a socket that refuses this is about to fail anyway.
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().map_or_else(|_| Addr::default(), Addr::from);
        let caller = Caller { local, peer, turns: Turns::default() };
        let (stream, turns) = (Arc::new(stream), caller.turns.clone());
        let socket = TokioIo::new(Socket::new(stream.clone(), limits, turns.clone()));
        // Boxed: hyper keeps room for a call as long as the connection lasts, and a stream lasts longer
        // than the call that has begun it.
        let service =
            service_fn(move |request| Box::pin(call(endpoint.clone(), caller.clone(), request)));
        let mut connection = pin!(builder(&limits).serve_connection(socket, service));
        let aside = async {
            tokio::select! {
                () = left(&stream, &turns) => End::Left,
                () = stop.closing() => End::Closing,
            }
        };
        let mut end = until(connection.as_mut(), aside).await;
        if matches!(end, End::Closing) {
            // What has come is answered, and be it with a refusal, before the rest is closed.
            turns.settle();
            connection.as_mut().graceful_shutdown();
            end = until(connection, left(&stream, &turns).map(|()| End::Left)).await;
        }
        match end {
            End::Served(Err(error)) => debug!(%peer, %error, "a connection ended early"),
            End::Left => debug!(%peer, "a client left before its answer"),
            End::Served(Ok(())) | End::Closing => {}
        }
    }
}

/// What a connection does not go on after.
enum End {
    Served(hyper::Result<()>),
    Left,
    /// Connections close: only what has begun is answered.
    Closing,
}

/// Runs the connection until something else ends it. hyper comes first: what it reads or answers now
/// need not be looked at.
async fn until<C>(mut connection: Pin<&mut C>, aside: impl Future<Output = End>) -> End
where
    C: Future<Output = hyper::Result<()>>,
{
    let (mut aside, mut signal) = (pin!(aside), Dormant::default());
    poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(End::Served(result)),
        Poll::Pending => signal.poll(cx, |cx| aside.as_mut().poll(cx)),
    })
    .await
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

impl Caller {
    /// Makes poem's request, which tells the handlers of this connection.
    fn introduce(self, request: hyper::Request<Incoming>) -> Request {
        let has_body = !request.body().is_end_stream();
        let (local, remote) = (LocalAddr(self.local), RemoteAddr(Addr::from(self.peer)));
        let mut request = Request::from((request, local, remote, Scheme::HTTP));
        if has_body {
            let (inner, turns) = (request.take_body().into(), self.turns.clone());
            let upload = Upload { inner, turns, ended: false };
            request.set_body(PoemBody::from(upload.boxed()));
        }
        request.set_data(self.turns);
        request
    }
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
    let response = if let Some(failure) = refusal(&request) {
        if !request.body().is_end_stream() {
            caller.turns.expect_leftovers();
        }
        refuse(failure, caller.peer)
    } else {
        endpoint.get_response(caller.introduce(request)).await
    };
    let response: hyper::Response<BoxBody<Bytes, io::Error>> = response.into();
    Ok(response.map(|inner| BusyBody { inner, _busy: busy }))
}

/// Refuses what no route sees, with a line in the log as every request has one.
fn refuse(failure: Failure, peer: SocketAddr) -> Response {
    let call = Call::random();
    info!(request_id = call.id(), %peer, code = failure.code(), "refused a request");
    let mut response = failure.respond(call.id());
    if let Ok(id) = HeaderValue::from_str(call.id()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Says what is wrong with a head that no route should see.
fn refusal(request: &hyper::Request<Incoming>) -> Option<Failure> {
    if !names_one_host(request) {
        Some(Failure::bad_host())
    } else if !is_framed_plainly(request) {
        Some(Failure::bad_framing())
    } else {
        None
    }
}

/// hyper leaves this to the service. Proxies before us may have gone by either of two hosts.
fn names_one_host(request: &hyper::Request<Incoming>) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() == Version::HTTP_10,
        hosts => hosts == 1,
    }
}

/// hyper looks at the end of `Transfer-Encoding` only, and would hand on what it has not decoded;
/// proxies before us may have ended the request elsewhere. So `chunked` stands alone or not at all.
///
/// Two more forms cannot be seen from here, because hyper has mended the head by then, as RFC 9112,
/// section 6.3, allows. A `Content-Length` beside `Transfer-Encoding` is taken out, the body is read
/// as chunks, and the connection closes after the answer. A `Content-Length` said twice with the
/// same number counts once; with two numbers the request is refused.
fn is_framed_plainly(request: &hyper::Request<Incoming>) -> bool {
    let mut codings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        _ => false,
    }
}
