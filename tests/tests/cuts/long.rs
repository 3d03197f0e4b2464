//! A long answer of chat-ui, cut while the model still writes it.

use std::time::Duration;

use llm2api_core::Limits;
use llm2api_tests::Options;

use crate::answer::{Answer, echo};
use crate::check;
use crate::lane::Course;
use crate::offsets::{Dice, silent};

const SEED: u64 = 20_261_128;
/// Tokens of the answer.
const TOKENS: usize = 400;
/// Cuts of it.
const CUTS: usize = 200;
/// After so many bytes the first content is there.
const BEGUN: u64 = 1000;

fn course(options: Options) -> Course {
    let options = Options { token_delay: Duration::from_millis(1), ..options };
    Course { options, ..Course::new("chat-ui", Answer::Model(echo(TOKENS))) }
}

async fn cut_all(title: &str, options: Options) {
    let course = course(options);
    let whole = course.whole().await;
    let runs = course.run(Dice::new(SEED).cuts(CUTS, whole.bytes)).await;
    let title = format!("long, {title}, seed {SEED}");
    check::all(&title, &runs, |run| check::same(run, &whole.heard));
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_a_long_answer_is_resumed_while_it_is_written() {
    cut_all("as it comes", Options::default()).await;
    let heartbeat_every = Duration::from_millis(1);
    let options = Options { merge_tokens: true, heartbeat_every, ..Options::default() };
    cut_all("merged, with heartbeats", options).await;
    let options = Options { reattach_lifetime_ms: Some(200), ..Options::default() };
    cut_all("closed early", options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_a_long_answer_is_completed_from_what_is_stored_of_it() {
    cut_all("no route", Options { reattach: false, ..Options::default() }).await;
    cut_all("gone", Options { events_recorded: false, ..Options::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_an_answer_that_falls_silent_is_resumed() {
    let mut course = course(Options::default());
    let mut limits = Limits::default();
    limits.liveness_timeout = Duration::from_millis(1500);
    course.limits = limits;
    let whole = course.whole().await;
    let mut dice = Dice::new(SEED);
    let offsets = (0..40).map(|_| BEGUN + dice.below(whole.bytes - BEGUN));
    let plans: Vec<_> = offsets.map(|offset| vec![silent(offset)]).collect();
    let runs = course.run(plans).await;
    check::all("silence", &runs, |run| check::same(run, &whole.heard));
}
