//! One call and its answer.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use http::Method;
use hyper_util::client::proxy::matcher::Matcher;

use super::conn::Conn;
use super::connect::Connector;
use super::error::WireError;
use super::framing::{Framing, Step};
use super::head::Head;
use super::idle::Idle;
use super::request::{Prepared, Request};
use super::target::{Place, Target};

/// Sends requests over connections that it keeps.
#[derive(Debug)]
pub(in crate::http) struct Wire {
    connector: Connector,
    pub(super) idle: Arc<Idle>,
    proxies: Matcher,
    user_agent: &'static str,
}

impl Wire {
    /// Goes by the proxies that the environment names.
    pub(in crate::http) fn new(connector: Connector, user_agent: &'static str) -> Self {
        Self { connector, idle: Arc::default(), proxies: Matcher::from_env(), user_agent }
    }

    /// Takes a URL apart.
    pub(in crate::http) fn target(&self, url: &str) -> Option<Target> {
        Target::parse(url, &self.proxies)
    }

    /// Begins a request.
    pub(in crate::http) fn request(&self, method: &Method, target: Option<Target>) -> Request {
        Request::new(method, target, self.user_agent)
    }

    /// Closes the connections that have waited for a call for too long.
    pub(in crate::http) fn rest(&self) {
        self.idle.close_old();
    }

    /// Sends a request and waits for the head of its answer. Dropping the future, or the body, closes
    /// the connection: the one sure way to tell a server that nobody waits any more.
    pub(in crate::http) async fn send(
        &self,
        request: Request,
    ) -> Result<(Head, WireBody), WireError> {
        let Prepared { target, mut head, mut body, closes } = request.finish()?;
        let place = target.place();
        let head_only = head.starts_with(b"HEAD ");
        loop {
            let kept = self.idle.take(place);
            let is_kept = kept.is_some();
            let mut conn = match kept {
                Some(conn) => conn,
                None => self.connector.connect(place).await?,
            };
            conn.begin(head, body);
            match read_head(&mut conn).await {
                // The server had just closed it, and has seen nothing.
                Err(WireError::Untouched) if is_kept => (head, body) = conn.take_back(),
                answer => {
                    let answer = answer?;
                    let home = Some((self.idle.clone(), place.clone()));
                    let home = home.filter(|_| answer.keeps && !closes);
                    return open(answer, conn, home, head_only);
                }
            }
        }
    }
}

/// Where a connection waits for its next call.
type Home = (Arc<Idle>, Arc<Place>);

fn open(
    head: Head,
    conn: Conn,
    home: Option<Home>,
    head_only: bool,
) -> Result<(Head, WireBody), WireError> {
    let framing = head.framing(head_only)?;
    let mut body = WireBody { conn: Some(conn), framing, home };
    body.rest();
    Ok((head, body))
}

/// Sends what was begun and reads the head of the answer. A server may answer before it has read all,
/// and then not read on.
async fn read_head(conn: &mut Conn) -> Result<Head, WireError> {
    poll_fn(|cx| poll_head(conn, cx)).await
}

fn poll_head(conn: &mut Conn, cx: &mut Context<'_>) -> Poll<Result<Head, WireError>> {
    // Where it cannot be sent, why may have been said.
    let _: Poll<io::Result<()>> = conn.poll_send(cx);
    loop {
        let broken = |conn: &Conn, error| match conn.is_touched() || !conn.buffer.is_empty() {
            true => WireError::Broken(error),
            false => WireError::Untouched,
        };
        match ready!(conn.poll_fill(cx)) {
            Ok(0) => return Poll::Ready(Err(broken(conn, None))),
            Ok(_) => {}
            Err(error) => return Poll::Ready(Err(broken(conn, Some(error)))),
        }
        if let Some(head) = Head::take(&mut conn.buffer)? {
            if head.status() >= 400 && !conn.is_sent() {
                conn.stop_sending();
            }
            return Poll::Ready(Ok(head));
        }
    }
}

/// The body of an answer. Once it has been read to its end, the connection waits for the next call.
#[derive(Debug)]
pub(in crate::http) struct WireBody {
    conn: Option<Conn>,
    framing: Framing,
    home: Option<Home>,
}

impl WireBody {
    /// Lets the connection go once the body has ended.
    fn rest(&mut self) {
        if !matches!(self.framing, Framing::Ended) {
            return;
        }
        let conn = self.conn.take();
        let Some((conn, (idle, place))) = conn.zip(self.home.take()) else { return };
        if conn.is_sent() && conn.buffer.is_empty() {
            idle.put(&place, conn);
        }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, WireError>>> {
        loop {
            let Some(conn) = &mut self.conn else { return Poll::Ready(None) };
            match self.framing.next(&mut conn.buffer)? {
                Step::Data(bytes) => {
                    self.rest();
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Step::End => self.rest(),
                Step::More => {
                    if !conn.is_sent() {
                        // An answer that has begun counts, whether all was read for it or not.
                        let _: Poll<io::Result<()>> = conn.poll_send(cx);
                    }
                    let closed = match ready!(conn.poll_fill(cx)) {
                        Ok(0) => self.framing.close(),
                        Ok(_) => continue,
                        Err(error) => Err(WireError::Broken(Some(error))),
                    };
                    self.conn = None;
                    return Poll::Ready(closed.err().map(Err));
                }
            }
        }
    }
}

impl Drop for WireBody {
    /// What has come already may be all: then the connection need not be closed.
    fn drop(&mut self) {
        while let Some(conn) = &mut self.conn {
            match self.framing.next(&mut conn.buffer) {
                Ok(Step::Data(_) | Step::End) => self.rest(),
                Ok(Step::More) | Err(_) => return,
            }
        }
    }
}

impl Stream for WireBody {
    type Item = Result<Bytes, WireError>;

    /// Gives the body's bytes as they come, a chunk at a time where it comes in chunks.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.poll_bytes(cx));
        if matches!(next, Some(Err(_))) {
            self.conn = None;
        }
        Poll::Ready(next)
    }
}
