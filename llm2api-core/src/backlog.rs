//! Work that comes in a queue and is done at the same time.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

/// Does what comes; once told to stop, takes no more and finishes what has come before.
pub(crate) async fn work_off<T, F: Future<Output = ()>>(
    mut queue: UnboundedReceiver<T>,
    mut stopped: watch::Receiver<()>,
    work: impl Fn(T) -> F,
) {
    let mut running = FuturesUnordered::new();
    let mut open = true;
    while open || !running.is_empty() {
        tokio::select! {
            Some(()) = running.next(), if !running.is_empty() => {}
            item = queue.recv(), if open => match item {
                Some(item) => running.push(work(item)),
                None => open = false,
            },
            _ = stopped.changed(), if !queue.is_closed() => queue.close(),
        }
    }
}
