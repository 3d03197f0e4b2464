//! What it costs to find a credential and to give it back.

use std::time::Duration;

use divan::Bencher;
use futures::FutureExt;
use llm2api_core::pool::{Member, Pool, PoolRules, Route};
use llm2api_core::{Call, Credential, Material, Secret};

fn main() {
    divan::main();
}

/// A pool of so many credentials, one in ten of which is switched off.
fn pool(credentials: usize) -> Pool {
    let pool = Pool::new(PoolRules::default(), Duration::from_secs(30));
    let member = |at: usize| {
        let material = Material::Token(Secret::from(format!("key-{at}")));
        Member::new(Credential::new("local", material)).with_max_concurrency(64)
    };
    pool.add((0..credentials).map(member));
    for status in pool.list().iter().step_by(10) {
        pool.set_enabled(&status.id, false);
    }
    pool
}

/// Pick, lease and release.
#[divan::bench(args = [10, 100, 10_000])]
fn pick(bencher: Bencher<'_, '_>, credentials: usize) {
    let pool = pool(credentials);
    let routes = [Route { upstream: "local".into(), model: "m".into() }];
    let call = Call::new("bench");
    bencher.bench_local(|| {
        pool.lease(&routes, &call).now_or_never().expect("a place is free").expect("a lease")
    });
}
