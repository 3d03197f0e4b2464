//! Many signals while many chats run.

use std::fs;
use std::time::Duration;

use futures::{StreamExt, stream};
use llm2api_tests::processes::{API_KEY, OPENAI, eventually};
use llm2api_tests::{Options, Simulator};
use tokio::time::{Instant, sleep};

use crate::{SOON, Stage, alias, ask, file, upstream};

const REQUESTS: u64 = 200;
const AT_ONCE: usize = 16;
const SIGNALS: usize = 20;

/// Every file names another upstream for the model, other limits and other keys.
fn settings(at: usize, upstreams: &[Simulator; 2]) -> String {
    let name = ["even", "odd"][at % 2];
    let places = 2 + at % 3;
    let server = format!(
        "api_key = \"{API_KEY},sk-{at}\"\nadmin_key = \"{}\"\nqueue_timeout = \"30s\"",
        llm2api_tests::processes::ADMIN_KEY
    );
    let rest = upstream(name, OPENAI, &upstreams[at % 2].openai_url())
        + &format!("max_concurrency_per_credential = {places}\n")
        + &alias("fast", name);
    file(&server, &rest)
}

#[tokio::test]
async fn g17_a_storm_of_reloads_loses_no_request() {
    let options = Options { token_delay: Duration::from_millis(5), ..Options::default() };
    let start = async || Simulator::start(options.clone()).await.expect("the simulator listens");
    let upstreams = [start().await, start().await];
    let stage = Stage::start(&settings(0, &upstreams)).await;
    let begun = Instant::now();
    let chats = stream::iter(0..REQUESTS).map(|at| {
        let server = &stage.server;
        async move {
            let whole = at % 2 == 0;
            let mut wire = server.connect().await.expect("the server listens");
            wire.send(ask(API_KEY, "fast", !whole, "hello")).await;
            let end = if whole { "\"finish_reason\":\"stop\"" } else { "data: [DONE]\n\n" };
            let head = wire.until("\r\n\r\n").await;
            assert!(
                head.starts_with("HTTP/1.1 200 "),
                "{at}: {head}{}",
                String::from_utf8_lossy(&wire.piece().await)
            );
            wire.until(end).await;
        }
    });
    let storm = async {
        for at in 1..=SIGNALS {
            // Written aside, so that the server never reads half a file.
            let aside = stage.file.with_extension("new");
            fs::write(&aside, settings(at, &upstreams)).expect("a file");
            fs::rename(&aside, &stage.file).expect("a file");
            stage.server.signal("HUP").await;
            sleep(Duration::from_millis(60)).await;
        }
    };
    tokio::join!(chats.buffer_unordered(AT_ONCE).collect::<Vec<()>>(), storm);
    let reloads = stage.server.said("SIGHUP: the settings were read again, changed").len();
    println!("{REQUESTS} requests, {reloads} reloads in {:?}", begun.elapsed());
    assert!(reloads >= SIGNALS / 2, "{reloads} of {SIGNALS}");
    let served = upstreams.each_ref().map(|upstream| upstream.log().generations);
    assert_eq!(served.iter().sum::<u64>(), REQUESTS, "each was sent once: {served:?}");
    assert!(served.iter().all(|served| *served > 0), "both upstreams have served: {served:?}");
    for upstream in &upstreams {
        let most = upstream.log().max_concurrent_per_credential;
        assert!(most.values().all(|calls| *calls <= 4), "{most:?}");
        assert_eq!(upstream.log().aborted_streams, 0);
    }
    eventually("all places are free", SOON, async || {
        let accounts = stage.server.api.cookies().await;
        accounts.iter().all(|account| account["in_flight"] == 0).then_some(())
    })
    .await;
}
