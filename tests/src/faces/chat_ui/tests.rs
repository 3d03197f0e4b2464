//! The answers against the recordings of real servers, byte for byte.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Family, Fixture, Options, Simulator};

const KEEP_ALIVE: &str = "{\"type\":\"status\",\"status\":\"keepAlive\"}\n";
const MODEL: &str = "meta-llama/Meta-Llama-3.1-70B-Instruct";

/// The body of the answer to one request.
async fn post(simulator: &Simulator, path: &str, kind: &str, body: &str) -> String {
    let host = simulator.url().replace("http://", "");
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncookie: hf-chat=c1\r\n\
         connection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    );
    let mut socket = TcpStream::connect(host).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
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

/// What a new conversation answers to `text`.
async fn ask(family: Family, text: &str) -> String {
    let options = Options { family, ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let model = json!({"model": MODEL}).to_string();
    let created = post(&simulator, "/conversation", "application/json", &model).await;
    let created: Value = serde_json::from_str(&created).unwrap();
    let root = simulator.log().conversations[0].messages[0].id.clone();
    let data = json!({"inputs": text, "id": root});
    let form =
        format!("--B\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{data}\r\n--B--\r\n");
    let path = format!("/conversation/{}", created["conversationId"].as_str().unwrap());
    let body = post(&simulator, &path, "multipart/form-data; boundary=B", &form).await;
    body.replace(KEEP_ALIVE, "")
}

async fn compare(family: Family, cases: &[(&str, &str)]) {
    for (text, name) in cases {
        let recorded = Fixture::load(name).unwrap().body().replace(KEEP_ALIVE, "");
        assert_eq!(ask(family, text).await, recorded, "{name}");
    }
}

#[tokio::test]
async fn the_newest_family_answers_as_recorded() {
    let cases = [
        ("Say hello", "v0.20-plain"),
        ("THINK", "v0.20-reasoning"),
        ("ERR429", "v0.20-error-429"),
        ("ERR500", "v0.20-error-500"),
        ("MIDERR", "v0.20-error-mid-stream"),
        ("MIDERRONCE", "v0.20-silent-restart"),
        ("EMPTY", "v0.20-empty"),
        ("NOFINISH", "v0.20-no-final-answer"),
    ];
    compare(Family::V2, &cases).await;
}

#[tokio::test]
async fn the_2024_family_answers_as_recorded() {
    let cases = [
        ("Say hello", "v0.9.2-plain"),
        ("ERR500", "v0.9.2-error-500"),
        ("MIDERR", "v0.9.2-error-mid-stream"),
    ];
    compare(Family::Y2024, &cases).await;
}
