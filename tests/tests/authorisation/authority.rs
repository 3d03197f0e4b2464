//! An authority that knows some codes, and may be out of order.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A running authority. It ends with its handle.
pub(crate) struct Authority {
    pub(crate) url: String,
    book: Arc<Mutex<Book>>,
    _task: JoinSet<()>,
}

#[derive(Default)]
struct Book {
    works: bool,
    good: BTreeSet<String>,
    asked: Vec<Value>,
}

impl Authority {
    /// Starts one that works and knows these codes.
    pub(crate) async fn start(good: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/verify", listener.local_addr().expect("an address"));
        let good = good.iter().map(|code| (*code).to_owned()).collect();
        let book = Arc::new(Mutex::new(Book { works: true, good, asked: Vec::new() }));
        let mut task = JoinSet::new();
        task.spawn(serve(listener, book.clone()));
        Self { url, book, _task: task }
    }

    /// Breaks or mends it.
    pub(crate) fn set_works(&self, works: bool) {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).works = works;
    }

    /// Lets it know exactly these codes.
    pub(crate) fn set_good(&self, good: &[&str]) {
        let good = good.iter().map(|code| (*code).to_owned()).collect();
        self.book.lock().unwrap_or_else(PoisonError::into_inner).good = good;
    }

    /// Returns the questions so far.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }
}

async fn serve(listener: TcpListener, book: Arc<Mutex<Book>>) {
    loop {
        let (mut socket, _) = listener.accept().await.expect("a call");
        if let Some(question) = read(&mut socket).await {
            let (status, answer) = answer(&book, question);
            let (body, length) = (answer.to_string(), answer.to_string().len());
            let reply = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = socket.write_all(reply.as_bytes()).await;
        }
    }
}

/// Reads a request to the end of its JSON.
async fn read(socket: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
        if let Some(question) = body.and_then(|body| serde_json::from_str(body).ok()) {
            return Some(question);
        }
    }
}

fn answer(book: &Mutex<Book>, question: Value) -> (u16, Value) {
    let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
    let code = question["code"].as_str().unwrap_or_default().to_owned();
    book.asked.push(question);
    match (book.works, book.good.contains(&code)) {
        (false, _) => (500, json!({"valid": true})),
        (true, true) => (200, json!({"valid": true, "plan": "gold", "message": "welcome"})),
        (true, false) => {
            let message = format!("{code} is unknown,\nask\u{1b}[31m us");
            (200, json!({"valid": false, "message": message}))
        }
    }
}
