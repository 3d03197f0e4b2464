//! Runs the server, an upstream and a client in one thread, for their instructions to be counted.
//!
//! ```sh
//! valgrind --tool=callgrind target/counted/paths requests 1000
//! valgrind --tool=callgrind target/counted/paths chunks 10000
//! ```
//!
//! The whole stack is on: client key, retry, a pool of ten credentials, figures, the request log.
//! `bench/tools/instructions.py` counts two runs of different lengths: what is between them is what
//! so many requests or chunks cost, with the upstream's and the client's part, which do not change.

use std::time::Duration;

use llm2api_bench::load::{Ask, Client, KEY, Seen};
use llm2api_bench::upstream::{Pace, serve};
use llm2api_server::config::{Settings, Sources};
use llm2api_server::{Server, State, Stop, app, client};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Chunks of one answer, few enough that a stream's beginning and end show.
const CHUNKS: u32 = 200;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (path, count) = (arguments.next().unwrap_or_default(), arguments.next());
    let count: u32 = count.and_then(|count| count.parse().ok()).ok_or("paths PATH COUNT")?;
    let (ask, asks) = match path.as_str() {
        "requests" => (Ask::Whole, count),
        "chunks" => {
            let pace = Pace { chunks: CHUNKS, gap: Duration::ZERO };
            (Ask::Paced(pace), count.div_ceil(CHUNKS))
        }
        _ => return Err("PATH is `requests` or `chunks`".into()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&ask, asks))
}

async fn run(ask: &Ask, asks: u32) -> Result<()> {
    let upstream = TcpListener::bind("127.0.0.1:0").await?;
    let credentials: Vec<_> = (0..10).map(|number| format!("sk-{number}")).collect();
    let mut sources = Sources::default();
    for (name, value) in [
        ("LISTEN", "127.0.0.1:0".to_owned()),
        ("UPSTREAM_KIND", "openai".to_owned()),
        ("UPSTREAM_URL", format!("http://{}/v1", upstream.local_addr()?)),
        ("COOKIES", credentials.join(",")),
        ("API_KEY", KEY.to_owned()),
        ("ADMIN_KEY", "sk-admin".to_owned()),
        ("STORE_URL", "memory:".to_owned()),
        ("LOG_FORMAT", "json".to_owned()),
    ] {
        sources.environment.insert(name.to_owned(), value);
    }
    let config = Settings::resolve(&sources)?.config()?;
    llm2api_server::init_logs(&config)?;
    let server = Server::bind(config.listen)?;
    let address = server.local_addr()?;
    let stop = Stop::new();
    let state = State::new(client(&config).await?, &config, stop.clone());
    let live = state.live();
    let asking = async {
        let mut client = Client::connect(address, ask).await?;
        let mut seen = Seen::default();
        for _ in 0..asks {
            client.ask(&mut seen).await?;
        }
        Ok(seen)
    };
    tokio::select! {
        () = server.serve(app(state), stop, live) => Err("the server ended".into()),
        ended = serve(upstream) => Err(format!("the upstream ended: {ended:?}").into()),
        seen = asking => {
            let seen: Seen = seen.map_err(|error: std::io::Error| error.to_string())?;
            assert_eq!(seen.answers, u64::from(asks), "each is answered");
            Ok(())
        }
    }
}
