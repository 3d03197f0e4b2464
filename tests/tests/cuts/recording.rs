//! Recorded answers of chat-ui, cut at every byte.

use llm2api_tests::Options;
use llm2api_tests::cutter::Cut;

use crate::answer::Answer;
use crate::check;
use crate::lane::{Course, Heard, Run};
use crate::offsets::{Dice, every, proof};

/// The recordings that are cut in any case.
const FEW: [&str; 2] = ["v0.20-plain", "v0.20-reasoning"];
/// The recordings that are cut where it may take long.
const MORE: [&str; 5] = [
    "v0.20-tool",
    "v0.20-no-final-answer",
    "v0.20-silent-restart",
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
