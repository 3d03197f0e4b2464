//! As much of HTTP as a benchmark needs.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Reads a head; none where the other side has closed.
///
/// # Errors
/// Those of the connection, also where it ends within a head.
pub async fn read_head(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut head = String::new();
    loop {
        let read = stream.read_line(&mut head).await?;
        match read {
            0 if head.is_empty() => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if head.ends_with("\r\n\r\n") => return Ok(Some(head)),
            _ => {}
        }
    }
}

/// Returns the length that a head announces.
///
/// ```
/// use llm2api_bench::wire::content_length;
///
/// assert_eq!(content_length("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"), Some(7));
/// assert_eq!(content_length("HTTP/1.1 200 OK\r\n\r\n"), None);
/// ```
pub fn content_length(head: &str) -> Option<usize> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next()?.1.trim().parse().ok()
}
