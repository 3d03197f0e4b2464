//! Recorded answers of chat-ui, which are taken up again where they are cut.

use llm2api_tests::cutter::Cut;
use llm2api_tests::plan::ANSWER;
use llm2api_tests::{Family, Options};

use crate::answer::Answer;
use crate::check;
use crate::lane::{Course, Heard, Run};
use crate::offsets::{Dice, every, proof, repeated, unread};

/// The recordings that are cut in any case.
const FEW: [&str; 2] = ["v0.20-plain", "v0.20-reasoning"];
/// The model is started anew in the middle; the last attempt is what is stored.
const RESTARTED: &str = "v0.20-silent-restart";
/// The recordings that are cut where it may take long.
const MORE: [&str; 5] = [
    "v0.20-tool",
    "v0.20-no-final-answer",
    RESTARTED,
    "v0.20-error-mid-stream",
    "v0.20-interrupted",
];
const SEED: u64 = 20_261_127;

/// The recordings to cut.
fn recordings() -> impl Iterator<Item = &'static str> {
    FEW.into_iter().chain(MORE.into_iter().filter(|_| proof()))
}

/// A plan for some of the bytes of an answer of this length, or for every one.
fn some(dice: &mut Dice, length: u64) -> Vec<Vec<Cut>> {
    if proof() { every(length) } else { dice.cuts(600, length) }
}

fn course(name: &'static str, options: Options) -> Course {
    Course { options, ..Course::new("chat-ui", Answer::Recorded(name)) }
}

/// Cuts every recording by `plans`, given its length, and looks for a fault in what is heard.
async fn cut_all(
    title: &str,
    options: &Options,
    mut plans: impl FnMut(u64) -> Vec<Vec<Cut>>,
    fault: impl Fn(&Run, &Heard, &str) -> Option<String>,
) {
    for name in recordings() {
        let course = course(name, options.clone());
        let whole = course.whole().await;
        assert_eq!((whole.generations, whole.cuts), (1, 0), "{name}");
        let runs = course.run(plans(whole.bytes)).await;
        check::all(&format!("{title}, {name}"), &runs, |run| fault(run, &whole.heard, name));
    }
}

fn same(run: &Run, whole: &Heard, _: &str) -> Option<String> {
    check::same(run, whole)
}

/// What is wrong with an answer that was completed from the stored message, which no longer tells
/// what was said before a restart, an error or a stop.
fn completed(run: &Run, whole: &Heard, name: &str) -> Option<String> {
    match () {
        () if run.generations != 1 => Some("more than one generation".to_owned()),
        () if whole.error.is_none() => check::same(run, whole),
        () if is_last_attempt(run, name) => None,
        () if run.heard.error.is_none() => Some("no error".to_owned()),
        () => check::beginning(run, whole),
    }
}

/// After a restart that the caller has not seen yet, the last attempt is the whole answer.
fn is_last_attempt(run: &Run, name: &str) -> bool {
    let finish = Some("Stop".to_owned());
    name == RESTARTED && run.heard == Heard { text: ANSWER.to_owned(), finish, ..Heard::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_a_cut_answer_is_resumed_at_every_byte() {
    cut_all("resumed", &Options::default(), every, same).await;
    // Here a cut looks like the end.
    let options = Options { close_delimited: true, ..Options::default() };
    let mut dice = Dice::new(SEED);
    let plans = |length| some(&mut dice, length);
    cut_all(&format!("resumed, closed, seed {SEED}"), &options, plans, same).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_an_answer_that_is_cut_again_and_again_is_resumed() {
    let mut dice = Dice::new(SEED);
    for cuts in [2, 3] {
        let title = format!("{cuts} cuts, seed {SEED}");
        let plans = |length| (0..400).map(|_| repeated(&mut dice, length, cuts)).collect();
        cut_all(&title, &Options::default(), plans, same).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g13_however_the_upstream_merges_tokens_the_resumed_answer_is_the_same() {
    let options = Options { merge_tokens: true, ..Options::default() };
    cut_all("merged", &options, every, same).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_without_the_route_the_stored_message_completes_it() {
    let none = Options { reattach: false, ..Options::default() };
    cut_all("no route", &none, every, completed).await;
    let gone = Options { events_recorded: false, ..Options::default() };
    let mut dice = Dice::new(SEED);
    let plans = |length| some(&mut dice, length);
    cut_all(&format!("gone, seed {SEED}"), &gone, plans, completed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_a_stored_message_whose_reading_breaks_gives_no_other_text() {
    let options = Options { reattach: false, ..Options::default() };
    let mut dice = Dice::new(SEED);
    let plans = |length| (0..300).map(|_| unread(&mut dice, length)).collect();
    let fault = |run: &Run, whole: &Heard, name: &str| match whole.error {
        None => check::whole_or_error(run, whole),
        Some(_) if is_last_attempt(run, name) => None,
        Some(_) => check::beginning(run, whole),
    };
    cut_all(&format!("a broken read, seed {SEED}"), &options, plans, fault).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_the_family_of_2024_completes_it_from_the_stored_message() {
    for expose_api in [true, false] {
        let options = Options { family: Family::Y2024, expose_api, ..Options::default() };
        let course = course("v0.9.2-plain", options);
        let whole = course.whole().await;
        let runs = course.run(every(whole.bytes)).await;
        let title = format!("2024, api {expose_api}");
        check::all(&title, &runs, |run| check::same(run, &whole.heard));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_without_either_a_typed_error_ends_it() {
    let options = Options { reattach: false, read_conversations: false, ..Options::default() };
    let mut dice = Dice::new(SEED);
    let fault = |run: &Run, whole: &Heard, _: &str| check::whole_or_error(run, whole);
    cut_all("neither", &options, every, fault).await;
    // Here a cut looks like the end.
    let options = Options { close_delimited: true, ..options };
    let plans = |length| some(&mut dice, length);
    cut_all(&format!("neither, closed, seed {SEED}"), &options, plans, fault).await;
}
