//! The deadlines of upstreams.

use std::time::Duration;

use llm2api_tests::pieces::{opening, text};
use llm2api_tests::processes::{CHAT_UI, OPENAI, Outcome};
use llm2api_tests::{Script, Step, each};

use crate::{is_free, is_punctual, stage};

/// Every deadline here.
const LIMIT: Duration = Duration::from_secs(1);
/// A time between two signs of life that is well within it.
const PACE: u64 = 100;
/// Signs of life for longer than any wait lasts.
const MANY: usize = 45;

/// One way to take too long.
struct Case {
    setting: &'static str,
    kind: &'static str,
    stream: bool,
    steps: Vec<Step>,
    status: u16,
    code: &'static str,
}

fn paced(step: &Step) -> Vec<Step> {
    (0..MANY).flat_map(|_| [step.clone(), Step::Sleep(PACE)]).collect()
}

/// Nothing at all.
fn silent() -> Vec<Step> {
    vec![Step::Hang]
}

/// A head and signs of life, and no content.
fn alive(kind: &str) -> Vec<Step> {
    [opening(kind), paced(&Step::KeepAlive)].concat()
}

/// Content, and then nothing.
fn falls_silent(kind: &str) -> Vec<Step> {
    [opening(kind), vec![text(kind, "Hello"), Step::Hang]].concat()
}

/// Content, and then nothing but signs of life.
fn only_lives(kind: &str) -> Vec<Step> {
    [opening(kind), vec![text(kind, "Hello")], paced(&Step::KeepAlive)].concat()
}

/// Content again and again.
fn goes_on(kind: &str) -> Vec<Step> {
    [opening(kind), paced(&text(kind, "Hello"))].concat()
}

/// A JSON body that begins, and goes on like this.
fn object(more: Vec<Step>) -> Vec<Step> {
    let head = vec![("content-type".to_owned(), "application/json".to_owned())];
    let begin = [Step::Status { status: 200, headers: head }, Step::Chunk("{\"id\":".to_owned())];
    [begin.to_vec(), more].concat()
}

/// What takes too long before the first content: the status says so.
fn refused() -> Vec<Case> {
    let case = |setting, kind, stream, steps, code| Case {
        setting,
        kind,
        stream,
        steps,
        status: 504,
        code,
    };
    let blank = || Step::Chunk(" ".to_owned());
    let mut cases = vec![
        case("RESPONSE_TIMEOUT", OPENAI, false, silent(), "response_timeout"),
        case("RESPONSE_TIMEOUT", OPENAI, false, object(paced(&blank())), "response_timeout"),
        case("LIVENESS_TIMEOUT", OPENAI, false, object(silent()), "upstream_silent"),
        case("TOTAL_TIMEOUT", OPENAI, false, object(paced(&blank())), "total_timeout"),
    ];
    for kind in [OPENAI, CHAT_UI] {
        let (first, total) = ("FIRST_CONTENT_TIMEOUT", "TOTAL_TIMEOUT");
        cases.push(case(first, kind, true, silent(), "first_content_timeout"));
        cases.push(case(first, kind, true, alive(kind), "first_content_timeout"));
        for stream in [true, false] {
            cases.push(case(total, kind, stream, silent(), "total_timeout"));
            cases.push(case(total, kind, stream, alive(kind), "total_timeout"));
        }
    }
    // A chat-ui always streams.
    for steps in [silent(), alive(CHAT_UI)] {
        let code = "first_content_timeout";
        cases.push(case("FIRST_CONTENT_TIMEOUT", CHAT_UI, false, steps, code));
    }
    cases
}

/// What takes too long behind its first content: a stream ends with an error, and who does not
/// stream has seen nothing yet and gets a status.
fn ended(stream: bool) -> Vec<Case> {
    let status = if stream { 200 } else { 504 };
    let cases = [OPENAI, CHAT_UI].map(|kind| {
        [
            ("LIVENESS_TIMEOUT", falls_silent(kind), "upstream_silent"),
            ("PROGRESS_TIMEOUT", only_lives(kind), "upstream_stalled"),
            ("TOTAL_TIMEOUT", goes_on(kind), "total_timeout"),
        ]
        .map(|(setting, steps, code)| Case { setting, kind, stream, steps, status, code })
    });
    cases.into_iter().flatten().collect()
}

/// Plays a case: its code, in time, after one send, and everything is free again.
async fn play(case: Case) {
    let Case { setting, kind, stream, steps, status, code } = case;
    let stage = stage(kind, &[(setting, "1s")]).await;
    stage.upstream.script(Script::steps(steps.clone()));
    let told = Outcome::of(&stage.server.api, "hello", stream).await;
    let what = format!("{setting}, {kind}, streamed {stream}, {:?}: {told:?}", steps.first());
    assert_eq!(told.refusal(), (status, code.to_owned()), "{what}");
    assert!(is_punctual(told.took, LIMIT), "{what}");
    stage.upstream.wait_for(|log| log.aborted_streams == 1).await;
    is_free(&stage).await;
    assert_eq!(stage.upstream.log().senders().len(), 1, "the model may be at work: {what}");
}

#[tokio::test]
async fn what_takes_too_long_before_the_answer_is_refused_under_the_settings_code() {
    each(refused(), play).await;
}

#[tokio::test]
async fn g10_what_takes_too_long_in_a_stream_ends_it_under_the_settings_code() {
    each(ended(true), play).await;
}

#[tokio::test]
async fn what_takes_too_long_in_an_answer_that_is_not_streamed_is_a_gateway_timeout() {
    each(ended(false), play).await;
}

/// Keep-alives feed one clock, and content feeds both.
#[tokio::test]
async fn g10_an_answer_that_goes_on_is_not_cut_however_long_it_takes() {
    each([OPENAI, CHAT_UI], async |kind| {
        let limits = ["LIVENESS_TIMEOUT", "PROGRESS_TIMEOUT", "FIRST_CONTENT_TIMEOUT"];
        let stage = stage(kind, &limits.map(|limit| (limit, "3s"))).await;
        stage.upstream.reconfigure(|options| options.token_delay = Duration::from_millis(800));
        let told = Outcome::of(&stage.server.api, "hello", true).await;
        assert!(told.is_whole() && told.took > 6 * LIMIT, "{kind}: {told:?}");
    })
    .await;
}
