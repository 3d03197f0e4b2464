//! One address for an authority that comes back at another.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Passes connections on. It ends with its handle.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    target: watch::Sender<SocketAddr>,
    _tasks: JoinSet<()>,
}

impl Relay {
    /// Starts one that leads to `target`.
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("is bound");
        let target = watch::Sender::new(target);
        let (mut tasks, leads_to) = (JoinSet::new(), target.subscribe());
        tasks.spawn(async move {
            let mut pipes = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let target = *leads_to.borrow();
                pipes.spawn(pass_on(client, target));
            }
        });
        Self { address, target, _tasks: tasks }
    }

    /// Leads elsewhere from now on.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }
}

/// Where nobody listens, the client is hung up on.
async fn pass_on(mut client: TcpStream, target: SocketAddr) {
    if let Ok(mut server) = TcpStream::connect(target).await {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
