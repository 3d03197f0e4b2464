//! One connection through the proxy.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::plan::{Cut, Ending};
use super::proxy::Desk;
use super::requests::Requests;

/// Bytes that are passed on at once.
const PIECE: usize = 16 << 10;

/// What is known of one connection.
struct Link<'d> {
    desk: &'d Desk,
    requests: Requests,
    answer: Option<Answer>,
}

/// The answer that is passing.
struct Answer {
    place: usize,
    cut: Option<Cut>,
    passed: u64,
}

/// Passes everything on until one side ends the connection, or a cut does.
///
/// The server loses its connection together with the client. A client that closes its half of the
/// connection is taken for gone.
pub(super) async fn relay(
    mut client: TcpStream,
    server: SocketAddr,
    desk: &Desk,
) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut link = Link { desk, requests: Requests::default(), answer: None };
    let (mut up, mut down) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read? {
                0 => return Ok(()),
                length => {
                    link.ask(&up[..length])?;
                    server.write_all(&up[..length]).await?;
                }
            },
            read = server.read(&mut down) => {
                let (share, ending) = link.share(read);
                client.write_all(&down[..share]).await?;
                if let Some(ending) = ending {
                    drop(server);
                    return end(client, ending).await;
                }
            }
        }
    }
}

impl Link<'_> {
    /// Looks for a request in what the client sends; what the server sends next is its answer.
    fn ask(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(line) = self.requests.push(bytes)?.pop() {
            let (place, cut) = self.desk.begin(line);
            self.answer = Some(Answer { place, cut, passed: 0 });
        }
        Ok(())
    }

    /// How much of what was read from the server passes, and how the connection ends behind it.
    fn share(&mut self, read: io::Result<usize>) -> (usize, Option<Ending>) {
        match (read, &mut self.answer) {
            (Err(_), _) => (0, Some(Ending::Rst)),
            (Ok(0), _) => (0, Some(Ending::Fin)),
            (Ok(length), None) => (length, None),
            (Ok(length), Some(answer)) => answer.share(length, self.desk),
        }
    }
}

impl Answer {
    fn share(&mut self, length: usize, desk: &Desk) -> (usize, Option<Ending>) {
        let (share, ends) = self.cut.map_or((length, false), |cut| cut.share(self.passed, length));
        self.passed += share as u64;
        desk.pass(self.place, share as u64, ends);
        (share, self.cut.filter(|_| ends).map(|cut| cut.ending))
    }
}

/// Ends the client's connection.
async fn end(mut client: TcpStream, ending: Ending) -> io::Result<()> {
    match ending {
        Ending::Fin => client.shutdown().await,
        // Without lingering, closing sends a reset.
        Ending::Rst => SockRef::from(&client).set_linger(Some(Duration::ZERO)),
        Ending::Silence => {
            let mut ignored = [0; 256];
            while client.read(&mut ignored).await? > 0 {}
            Ok(())
        }
    }
}
