//! The proxy's door: where it listens, what it is to cut, what has passed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, Weak};

use tokio::net::TcpListener;

use super::plan::Cut;
use super::relay;
use super::requests::Line;
use crate::lock::lock;
use crate::tasks::Tasks;

/// A running proxy; dropping it closes its connections.
#[derive(Debug)]
pub struct Cutter {
    address: SocketAddr,
    desk: Arc<Desk>,
    tasks: Arc<Tasks>,
}

/// An answer that has passed, or is passing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passed {
    /// Method of the request.
    pub method: String,
    /// Path of the request, with its query.
    pub path: String,
    /// Bytes of the answer that went on to the client, head and framing included.
    pub bytes: u64,
    /// Whether it was cut.
    pub cut: bool,
}

/// What all connections share.
#[derive(Debug, Default)]
pub(super) struct Desk {
    plan: Mutex<Vec<Cut>>,
    passed: Mutex<Vec<Passed>>,
}

impl Cutter {
    /// Starts a proxy on a free port of loopback, in front of the server at `url`
    /// (`http://ADDRESS:PORT`).
    ///
    /// # Errors
    /// The error of the socket, or `InvalidInput` for an address that is none.
    pub async fn start(url: &str) -> io::Result<Self> {
        let server = url.strip_prefix("http://").unwrap_or(url).parse();
        let server = server.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (desk, tasks) = (Arc::<Desk>::default(), Arc::<Tasks>::default());
        let cutter = Self { address: listener.local_addr()?, desk, tasks };
        let accepting = accept(listener, server, Arc::clone(&cutter.desk), &cutter.tasks);
        cutter.tasks.spawn(accepting);
        Ok(cutter)
    }

    /// Its base address, in place of the server's: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[cfg(test)]
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Plans cuts in place of those that are left, and forgets what has passed.
    pub fn plan(&self, cuts: impl IntoIterator<Item = Cut>) {
        *lock(&self.desk.plan) = cuts.into_iter().collect();
        lock(&self.desk.passed).clear();
    }

    /// The answers since the last plan, in the order of their requests.
    pub fn passed(&self) -> Vec<Passed> {
        lock(&self.desk.passed).clone()
    }

    /// How many of them were cut.
    pub fn cuts(&self) -> usize {
        self.passed().iter().filter(|passed| passed.cut).count()
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        let panicked = self.tasks.panicked();
        self.tasks.abort();
        assert!(!panicked || std::thread::panicking(), "a task of the proxy panicked");
    }
}

fn accept(
    listener: TcpListener,
    server: SocketAddr,
    desk: Arc<Desk>,
    tasks: &Arc<Tasks>,
) -> impl Future<Output = ()> + use<> {
    let tasks: Weak<Tasks> = Arc::downgrade(tasks);
    async move {
        while let Ok((client, _)) = listener.accept().await {
            let Some(tasks) = tasks.upgrade() else { return };
            let desk = Arc::clone(&desk);
            tasks.spawn(async move { drop(relay::relay(client, server, &desk).await) });
        }
    }
}

impl Desk {
    /// Notes a request; returns the place of its answer and the cut in it.
    pub(super) fn begin(&self, line: Line) -> (usize, Option<Cut>) {
        let mut plan = lock(&self.plan);
        let place = plan.iter().position(|cut| cut.fits(&line.method, &line.target));
        let cut = place.map(|place| plan.remove(place));
        drop(plan);
        let mut passed = lock(&self.passed);
        passed.push(Passed { method: line.method, path: line.target, bytes: 0, cut: false });
        (passed.len() - 1, cut)
    }

    /// Notes that more of the answer at this place has passed. Answers of an earlier plan are
    /// nobody's.
    pub(super) fn pass(&self, place: usize, bytes: u64, cut: bool) {
        if let Some(passed) = lock(&self.passed).get_mut(place) {
            passed.bytes += bytes;
            passed.cut |= cut;
        }
    }
}
