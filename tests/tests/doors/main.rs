//! One file of scenarios, and through every door the same answers: through the Rust crate and the
//! server here, through the Python package in `tests/python/test_doors.py`.

mod door;
mod file;
mod kind;
mod transcript;

use std::collections::BTreeSet;

use futures::{StreamExt, stream};

use crate::door::{Crate, Door, Server};
use crate::file::{Case, cases, scenarios};
use crate::kind::Kind;

/// Cases that run at the same time: they do little else than wait.
const AT_ONCE: usize = 4;
/// A file that has lost its scenarios must not pass.
const FEWEST: usize = 40;

/// Runs every case of one door, and shows all that differ.
async fn run<D: Door>() {
    let cases = cases();
    assert!(cases.len() > FEWEST, "{} cases", cases.len());
    let answers = stream::iter(&cases).map(differs::<D>).buffered(AT_ONCE);
    let differences: Vec<_> = answers.filter_map(std::future::ready).collect().await;
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Both transcripts, where they are not the same.
async fn differs<D: Door>(case: &Case) -> Option<String> {
    let stage = case.upstream.start(case).await;
    let given = D::ask(&stage, &case.body).await.with_sends(stage.sends().await);
    let shown = |transcript| serde_json::to_string_pretty(transcript).expect("it is JSON");
    let told =
        || format!("--- {case}\nexpected {}\ngiven {}\n", shown(&case.expect), shown(&given));
    (given != case.expect).then(told)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crate_gives_what_the_file_says() {
    run::<Crate>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_gives_what_the_file_says() {
    run::<Server>().await;
}

#[test]
fn the_file_has_every_kind_of_upstream_and_no_name_twice() {
    let scenarios = scenarios();
    let names: BTreeSet<_> = scenarios.iter().map(|scenario| &scenario.name).collect();
    assert_eq!(names.len(), scenarios.len());
    let kinds: BTreeSet<_> = cases().iter().map(|case| case.upstream).collect();
    assert_eq!(kinds, BTreeSet::from(Kind::ALL));
}
