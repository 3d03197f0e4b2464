//! A gateway before Redis that can forget the connections that go through it.

use std::sync::Arc;

use llm2api_tests::processes::Redis;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) struct Gateway {
    port: u16,
    forgotten: Arc<watch::Sender<u32>>,
    _tasks: JoinSet<()>,
}

impl Gateway {
    pub(crate) async fn start(redis: &Redis) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("is bound").port();
        let forgotten = Arc::new(watch::Sender::new(0));
        let (address, sender) = (redis.address(), forgotten.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut pipes = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(address).await.expect("it runs");
                let ((from, to), (back, forth)) = (client.into_split(), server.into_split());
                pipes.spawn(pipe(from, forth, sender.subscribe()));
                pipes.spawn(pipe(back, to, sender.subscribe()));
            }
        });
        Self { port, forgotten, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Passes on nothing more of what goes over the connections that there are; new ones work.
    pub(crate) fn forget_connections(&self) {
        self.forgotten.send_modify(|times| *times += 1);
    }
}

async fn pipe(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut forgotten: watch::Receiver<u32>,
) {
    let mut piece = vec![0; 64 << 10];
    loop {
        tokio::select! {
            read = from.read(&mut piece) => match read {
                Ok(length) if length > 0 => {
                    if to.write_all(&piece[..length]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            // Both ends stay open, and wait in vain.
            _ = forgotten.changed() => std::future::pending().await,
        }
    }
}
