//! A connection: bytes in, bytes out, and ways to end it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Bytes of requests to come that are kept while an answer is sent.
const PIPELINE: usize = 1 << 20;
/// Time for which the rest of a refused body is read and thrown away.
const DRAIN: Duration = Duration::from_secs(1);

/// A connection with what was read but not used yet.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Option<TcpStream>,
    /// Bytes read but not used.
    pub(crate) input: BytesMut,
    /// The client's address.
    pub(crate) peer: SocketAddr,
}

impl Connection {
    /// Wraps an accepted socket.
    pub(crate) fn new(stream: TcpStream, peer: SocketAddr) -> Self {
        Self { stream: Some(stream), input: BytesMut::with_capacity(8192), peer }
    }

    /// Reads more; zero at the end.
    pub(crate) async fn fill(&mut self) -> io::Result<usize> {
        match &mut self.stream {
            Some(stream) => stream.read_buf(&mut self.input).await,
            None => Ok(0),
        }
    }

    /// Writes everything at once.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stream.write_all(bytes).await
    }

    /// Waits until the client closed or reset the connection.
    pub(crate) async fn gone(&mut self) {
        while self.input.len() < PIPELINE {
            match self.fill().await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        std::future::pending::<()>().await;
    }

    /// Closes it, with a reset or properly.
    pub(crate) async fn hang_up(&mut self, reset: bool) {
        let Some(mut stream) = self.stream.take() else { return };
        if reset {
            // Without lingering, closing sends a reset and throws away what was not sent yet.
            drop(SockRef::from(&stream).set_linger(Some(Duration::ZERO)));
        } else {
            drop(stream.shutdown().await);
        }
    }

    /// Closes it after the client had time to read the answer to a body it still sends.
    pub(crate) async fn drain(mut self) {
        let rest = async {
            if let Some(stream) = &mut self.stream {
                stream.shutdown().await?;
            }
            loop {
                self.input.clear();
                if self.fill().await? == 0 {
                    return io::Result::Ok(());
                }
            }
        };
        drop(timeout(DRAIN, rest).await);
    }
}
