//! A stream of events, as a page reads it.

use std::time::Duration;

use llm2api_tests::processes::http;
use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

/// No event is waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open stream.
pub(crate) struct Feed {
    response: Response,
    unread: String,
}

impl Feed {
    /// Opens one; `pass` is a header line that lets the caller in.
    pub(crate) async fn open(url: &str, pass: (&str, &str)) -> Result<Self, (u16, Value)> {
        let request = http().get(format!("{url}/events")).header(pass.0, pass.1);
        let response = request.timeout(Duration::from_secs(120)).send().await.expect("an answer");
        let status = response.status().as_u16();
        if status != 200 {
            return Err((status, response.json().await.unwrap_or_default()));
        }
        let kind = response.headers()["content-type"].to_str().expect("text");
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        Ok(Self { response, unread: String::new() })
    }

    /// Waits for the next event and returns its name and data; none where the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some(end) = self.unread.find("\n\n") {
                let event: String = self.unread.drain(..end + 2).collect();
                let (name, data) = event.trim_end().split_once('\n').expect("a name and data");
                let name = name.strip_prefix("event: ").expect("a name").to_owned();
                let data = data.strip_prefix("data: ").expect("data");
                return Some((name, serde_json::from_str(data).expect("JSON")));
            }
            let piece = timeout(PATIENCE, self.response.chunk()).await.expect("it goes on or ends");
            let piece = piece.ok().flatten()?;
            self.unread.push_str(std::str::from_utf8(&piece).expect("events are not cut"));
        }
    }

    /// Waits for the next event of this name.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let (found, data) = self.next().await.expect("it has not ended");
            if found == name {
                return data;
            }
        }
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) {
        while self.next().await.is_some() {}
    }
}
