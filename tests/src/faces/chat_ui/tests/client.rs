//! A client that speaks to the face byte by byte.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Simulator;

const MODEL: &str = "meta-llama/Meta-Llama-3.1-70B-Instruct";

/// A conversation that was just made.
pub(super) struct Talk<'s> {
    simulator: &'s Simulator,
    /// Its id.
    pub(super) id: String,
    root: String,
}

impl<'s> Talk<'s> {
    /// Makes a conversation.
    pub(super) async fn start(simulator: &'s Simulator) -> Self {
        let model = json!({"model": MODEL}).to_string();
        let created = ask(simulator, "POST", "/conversation", "application/json", &model).await;
        let created: Value = serde_json::from_str(&body(&created)).unwrap();
        let root = simulator.log().conversations[0].messages[0].id.clone();
        Self { simulator, id: created["conversationId"].as_str().unwrap().to_owned(), root }
    }

    /// Opens a connection and sends a message on it.
    pub(super) async fn open(&self, text: &str, generation: Option<&str>) -> TcpStream {
        let mut data = json!({"inputs": text, "id": self.root});
        if let Some(generation) = generation {
            data["generationId"] = json!(generation);
        }
        let form = format!(
            "--B\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{data}\r\n--B--\r\n"
        );
        let path = format!("/conversation/{}", self.id);
        open(self.simulator, "POST", &path, "multipart/form-data; boundary=B", &form).await
    }

    /// What it answers to `text`.
    pub(super) async fn say(&self, text: &str) -> String {
        body(&read(self.open(text, None).await).await)
    }

    /// Reads `path` below the conversation.
    pub(super) async fn get(&self, path: &str) -> String {
        let path = format!("/conversation/{}/{path}", self.id);
        body(&ask(self.simulator, "GET", &path, "text/plain", "").await)
    }
}

/// The status of the answer to a read of `path`.
pub(super) async fn status(simulator: &Simulator, path: &str) -> u16 {
    let answer = ask(simulator, "GET", path, "text/plain", "").await;
    std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap()
}

async fn ask(simulator: &Simulator, method: &str, path: &str, kind: &str, text: &str) -> Vec<u8> {
    read(open(simulator, method, path, kind, text).await).await
}

async fn open(
    simulator: &Simulator,
    method: &str,
    path: &str,
    kind: &str,
    text: &str,
) -> TcpStream {
    let host = simulator.url().replace("http://", "");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\n\
         cookie: hf-chat=c1\r\nconnection: close\r\ncontent-type: {kind}\r\n\
         content-length: {}\r\n\r\n{text}",
        text.len(),
    );
    let mut socket = TcpStream::connect(host).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

async fn read(mut socket: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    answer
}

fn body(answer: &[u8]) -> String {
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    String::from_utf8(unchunk(&answer[head..])).unwrap()
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let size = httparse::parse_chunk_size(rest).unwrap();
        let httparse::Status::Complete((start, size)) = size else { panic!("cut chunk") };
        let size = usize::try_from(size).unwrap();
        body.extend_from_slice(&rest[start..start + size]);
        rest = &rest[start + size + 2..];
        if size == 0 {
            return body;
        }
    }
}
