//! An OpenAI-compatible upstream has no way to take an answer up again: what is cut is an error.

use llm2api_tests::cutter::Cut;

use crate::answer::{Answer, Events, Framing, completion, long};
use crate::check;
use crate::lane::{Course, Heard, Run};
use crate::offsets::{Dice, every};

const SEED: u64 = 20_261_126;

/// What the client hears of these tokens where nothing is cut.
fn whole(tokens: &[String]) -> Heard {
    Heard { text: tokens.concat(), finish: Some("Stop".to_owned()), ..Heard::default() }
}

/// What is wrong with an answer whose finish reason was whole after `finish` bytes.
fn fault(run: &Run, whole: &Heard, events: &Events) -> Option<String> {
    let heard = &run.heard;
    let said = run.generations == 1 && run.bytes >= events.finish;
    match () {
        () if run.generations > 1 && run.bytes >= events.content => {
            Some("sent again after content".to_owned())
        }
        // What follows the reason is missing: the answer is whole, and an error may say so.
        () if said && heard.finish == whole.finish && heard.text == whole.text => None,
        () if run.generations == 1 && heard.finish.is_some() => {
            Some("a finish reason that the upstream did not give".to_owned())
        }
        () => check::whole_or_error(run, whole),
    }
}

async fn cut_all(title: &str, tokens: &[String], framing: Framing, plans: Vec<Vec<Cut>>) {
    let events = Events::saying(tokens, framing);
    let course = Course::new("openai", Answer::Raw(events.bytes.clone()));
    let uncut = course.whole().await;
    let whole = whole(tokens);
    assert_eq!(uncut.heard, whole);
    assert_eq!(uncut.bytes, events.bytes.len() as u64);
    let runs = course.run(plans).await;
    check::all(title, &runs, |run| fault(run, &whole, &events));
}

#[tokio::test(flavor = "multi_thread")]
async fn g07_an_openai_answer_cut_anywhere_never_claims_to_be_whole() {
    for framing in [Framing::Chunked, Framing::Closed] {
        let short = long(5);
        let length = Events::saying(&short, framing).bytes.len() as u64;
        cut_all(&format!("{framing:?}, every byte"), &short, framing, every(length)).await;

        let tokens = long(400);
        let length = Events::saying(&tokens, framing).bytes.len() as u64;
        let plans = Dice::new(SEED).cuts(200, length);
        cut_all(&format!("{framing:?}, long, seed {SEED}"), &tokens, framing, plans).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g07_an_openai_object_cut_anywhere_is_no_answer() {
    let whole = whole(&long(20));
    for framing in [Framing::Chunked, Framing::Closed] {
        let answer = Answer::Raw(completion(&whole.text, framing));
        let course = Course { stream: false, ..Course::new("openai", answer) };
        let uncut = course.whole().await;
        assert_eq!(uncut.heard, whole);
        let runs = course.run(every(uncut.bytes)).await;
        let title = format!("{framing:?}, an object");
        check::all(&title, &runs, |run| check::whole_or_error(run, &whole));
    }
}
