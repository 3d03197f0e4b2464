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
    let (mut requests, mut answer) = (Requests::default(), None);
    let (mut up, mut down) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let bytes = &up[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                if let Some(line) = requests.push(bytes)?.pop() {
                    let (place, cut) = desk.begin(line);
                    answer = Some(Answer { place, cut, passed: 0 });
                }
                server.write_all(bytes).await?;
            }
            read = server.read(&mut down) => {
                let Ok(length) = read else { return end(client, Ending::Rst).await };
                if length == 0 {
                    return end(client, Ending::Fin).await;
                }
                let (share, ending) = answer.as_mut().map_or((length, None), |answer| answer.share(length, desk));
                client.write_all(&down[..share]).await?;
                if let Some(ending) = ending {
                    drop(server);
                    return end(client, ending).await;
                }
            }
        }
    }
}

impl Answer {
    /// How much of a piece of this length passes, and how the connection ends behind it.
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
