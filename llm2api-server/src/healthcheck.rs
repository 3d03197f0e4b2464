//! `llm2api-server healthcheck`: for containers that have no curl.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::reachable::reachable;

const PATIENCE: Duration = Duration::from_secs(3);
const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Asks `/livez` of the server that listens on `address`.
pub(crate) fn run(address: SocketAddr) -> Result<&'static str, String> {
    let address = reachable(address);
    let head = ask(address).map_err(|error| format!("no answer from `{address}`: {error}"))?;
    if head.starts_with(b"HTTP/1.1 200") { Ok("alive\n") } else { Err("not alive".to_owned()) }
}

fn ask(address: SocketAddr) -> std::io::Result<[u8; 12]> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(REQUEST)?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(head)
}
