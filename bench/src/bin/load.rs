//! The upstream and the clients of `bench/tools/beside_nginx.py`.
//!
//! ```sh
//! load upstream 26301
//! load requests 127.0.0.1:26302 64 4            # clients, seconds
//! load chunks 127.0.0.1:26302 32 4 200 0        # and chunks a stream, microseconds between two
//! load echo 127.0.0.1:26302 32 4 200 MODEL      # and words an answer, of a model that repeats
//! ```
//!
//! The clients print one line of JSON.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::try_join_all;
use llm2api_bench::load::{Ask, Client, Seen};
use llm2api_bench::upstream::{Pace, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const USAGE: &str = "load upstream PORT | requests ADDRESS CLIENTS SECONDS | chunks ADDRESS CLIENTS \
                     SECONDS CHUNKS MICROSECONDS | echo ADDRESS CLIENTS SECONDS WORDS MODEL";

/// The time from one client to the next.
const BETWEEN_CLIENTS: Duration = Duration::from_millis(1);

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match *arguments {
            ["upstream", port] => {
                Ok(serve(TcpListener::bind(("127.0.0.1", port.parse()?)).await?).await?)
            }
            ["requests", address, clients, seconds] => {
                run(address, clients, seconds, Ask::Whole).await
            }
            ["chunks", address, clients, seconds, chunks, gap] => {
                let gap = Duration::from_micros(gap.parse()?);
                let pace = Pace { chunks: chunks.parse()?, gap };
                run(address, clients, seconds, Ask::Paced(pace)).await
            }
            ["echo", address, clients, seconds, words, model] => {
                let ask = Ask::Echo { model: model.to_owned(), words: words.parse()? };
                run(address, clients, seconds, ask).await
            }
            _ => Err(USAGE.into()),
        }
    })
}

async fn run(address: &str, clients: &str, seconds: &str, ask: Ask) -> Result<()> {
    let address: SocketAddr = address.parse()?;
    let (clients, seconds): (u32, f64) = (clients.parse()?, seconds.parse()?);
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(seconds);
    let ask = &ask;
    let clients = (0..clients).map(|number| async move {
        // A thousand at once would measure the rush, and not how they are served.
        sleep(number * BETWEEN_CLIENTS).await;
        let mut client = Client::connect(address, ask).await?;
        client.ask_until(end).await
    });
    let mut all = Seen::default();
    try_join_all(clients).await?.into_iter().for_each(|seen| all.add(seen));
    let elapsed_s = begun.elapsed().as_secs_f64();
    let told = json!({
        "answers": all.answers,
        "chunks": all.chunks,
        "merged": all.merged,
        "elapsed_s": elapsed_s,
        "first_us": quantiles(all.first_ns),
        "forward_us": quantiles(all.forward_ns),
    });
    llm2api_bench::tell(&told.to_string());
    Ok(())
}

/// The median and the worst hundredth, in microseconds.
fn quantiles(mut nanoseconds: Vec<u64>) -> Value {
    nanoseconds.sort_unstable();
    let at = |hundredth: usize| {
        let place = nanoseconds.len() * hundredth / 100;
        nanoseconds.get(place).map(|time| *time / 1_000)
    };
    json!({ "p50": at(50), "p99": at(99) })
}
