//! Making connections.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Intercept;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower::Service;
use zeroize::Zeroizing;

use super::conn::{Conn, Stream};
use super::error::WireError;
use super::head::Head;
use super::target::Place;

/// Silence after which a peer is asked whether it is there, and between two such questions.
const PROBE: Duration = Duration::from_secs(15);
/// Bytes of what a proxy answers.
const LONGEST_ANSWER: usize = 8 << 10;

/// Makes connections: by TCP, through a proxy where there is one, with TLS where the URL says so.
#[derive(Clone, Debug)]
pub(in crate::http) struct Connector {
    tcp: HttpConnector,
    tls: Arc<ClientConfig>,
    limit: Duration,
}

impl Connector {
    /// Makes a connector; a connection has to be there within `limit`.
    pub(in crate::http) fn new(mut tls: ClientConfig, limit: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Shared among the addresses of a name: one that is dead leaves time for the next.
        tcp.set_connect_timeout(Some(limit));
        // An answer may be long in coming: routers forget silent connections, and peers die.
        tcp.set_keepalive(Some(PROBE));
        tcp.set_keepalive_interval(Some(PROBE));
        tcp.set_keepalive_retries(Some(3));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(2 * PROBE));
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { tcp, tls: Arc::new(tls), limit }
    }

    /// Connects to a place.
    pub(super) async fn connect(&self, place: &Place) -> Result<Conn, WireError> {
        let connection = timeout(self.limit, self.reach(place)).await;
        connection.map_err(|_| WireError::ConnectTimeout)?
    }

    async fn reach(&self, place: &Place) -> Result<Conn, WireError> {
        let stream = match &place.proxy {
            None => self.tcp(&place.host_and_port()).await?,
            Some(proxy) if place.tls => {
                let proof = proxy.basic_auth().map(http::HeaderValue::as_bytes);
                tunnel(self.to_proxy(proxy).await?, &place.host_and_port(), proof).await?
            }
            Some(proxy) => self.to_proxy(proxy).await?,
        };
        if !place.tls {
            return Ok(Conn::new(Stream::Plain(stream)));
        }
        let name = place.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(failed)?;
        let stream =
            TlsConnector::from(self.tls.clone()).connect(name, stream).await.map_err(failed)?;
        Ok(Conn::new(Stream::Tls(Box::new(stream))))
    }

    async fn to_proxy(&self, proxy: &Intercept) -> Result<TcpStream, WireError> {
        let http = proxy.uri().scheme() == Some(&Scheme::HTTP);
        let authority = proxy.uri().authority().filter(|_| http).ok_or(WireError::Proxy)?;
        self.tcp(&format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80))).await
    }

    async fn tcp(&self, authority: &str) -> Result<TcpStream, WireError> {
        let authority = Authority::try_from(authority).map_err(failed)?;
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query("/");
        let stream = self.tcp.clone().call(uri.build().map_err(failed)?).await;
        Ok(stream.map_err(not_there)?.into_inner())
    }
}

/// Asks a proxy for a way to `there`.
async fn tunnel(
    mut stream: TcpStream,
    there: &str,
    proof: Option<&[u8]>,
) -> Result<TcpStream, WireError> {
    let mut head = Zeroizing::new(Vec::new());
    head.extend_from_slice(format!("CONNECT {there} HTTP/1.1\r\nhost: {there}\r\n").as_bytes());
    if let Some(proof) = proof {
        head.extend_from_slice(b"proxy-authorization: ");
        head.extend_from_slice(proof);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    stream.write_all(&head).await.map_err(failed)?;
    let mut answer = BytesMut::new();
    while !answer.ends_with(b"\r\n\r\n") && answer.len() < LONGEST_ANSWER {
        // One by one: what follows is said by the server behind the proxy.
        answer.put_u8(stream.read_u8().await.map_err(failed)?);
    }
    let answer = Head::take(&mut answer).map_err(failed)?;
    let leads = answer.is_some_and(|answer| (200..300).contains(&answer.status()));
    leads.then_some(stream).ok_or_else(|| refused("the proxy leads nowhere"))
}

/// Tells addresses that did not answer in their time from those that refused.
fn not_there(error: impl Error + Send + Sync + 'static) -> WireError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        let error_of_io = error.downcast_ref::<io::Error>();
        if error_of_io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return WireError::ConnectTimeout;
        }
        cause = error.source();
    }
    failed(error)
}

fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> WireError {
    WireError::Connect(error.into())
}

fn refused(message: &'static str) -> WireError {
    failed(io::Error::other(message))
}
