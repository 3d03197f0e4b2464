//! The retry table: what happens before the first content, how often it is sent, and what the caller
//! is told in the end.

use std::collections::BTreeMap;

use llm2api_tests::pieces::failure;
use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::{CHAT_UI, OPENAI, Stage};
use llm2api_tests::{Step, each};
use serde_json::json;

use crate::{LANES, ask, stage};

/// More than a call may send.
const ACCOUNTS: usize = 5;

/// A row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
    /// Sends with one account, and with more than enough, where the fault lasts.
    sends: (usize, usize),
    /// Status and code in the end.
    told: (u16, &'static str),
}

fn row(
    name: &'static str,
    step: Step,
    sends: (usize, usize),
    status: u16,
    code: &'static str,
) -> Row {
    Row { name, steps: vec![step], sends, told: (status, code) }
}

pub(crate) fn refuse(status: u16, headers: &[(&str, &str)]) -> Step {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let text = "mock: refused";
    Step::Json { status, headers, body: json!({"error": {"message": text}, "message": text}) }
}

fn page() -> Step {
    let body = "<html>back soon</html>".to_owned();
    Step::Text { status: 200, content_type: "text/html".to_owned(), body }
}

/// What holds for every kind of upstream. A limit that two accounts of a chat-ui meet is one of our
/// address, which others do not get around.
fn common(kind: &str) -> Vec<Row> {
    let rate = if kind == CHAT_UI { 2 } else { 3 };
    let plain = Step::Text { status: 200, content_type: "text/plain".into(), body: "hi\n".into() };
    vec![
        row("reset", Step::Reset, (2, 3), 502, "upstream_reset"),
        row("closed", Step::Cut, (2, 3), 502, "upstream_reset"),
        row("401", refuse(401, &[]), (1, 3), 503, "no_credential"),
        row("login page", refuse(302, &[("location", "/login")]), (1, 3), 503, "no_credential"),
        row("402", refuse(402, &[]), (1, 3), 429, "insufficient_quota"),
        row("403", refuse(403, &[]), (1, 2), 503, "no_credential"),
        row("429", refuse(429, &[]), (1, rate), 429, "rate_limit_exceeded"),
        row("500", refuse(500, &[]), (2, 3), 500, "upstream_error"),
        row("502", refuse(502, &[]), (2, 3), 502, "upstream_error"),
        row("503", refuse(503, &[]), (2, 3), 503, "upstream_error"),
        row("504", refuse(504, &[]), (2, 3), 504, "upstream_error"),
        row("529", refuse(529, &[]), (2, 3), 529, "upstream_error"),
        row("page", page(), (1, 2), 502, "upstream_protocol"),
        row("text", plain, (1, 2), 502, "upstream_protocol"),
        row("empty", Step::End, (1, 2), 502, "upstream_protocol"),
        row("error inside", failure(kind, "mock: down", 503), (2, 3), 503, "upstream_error"),
        row("408", refuse(408, &[]), (2, 3), 503, "upstream_busy"),
        row("425", refuse(425, &[]), (2, 3), 503, "upstream_busy"),
    ]
}

/// What is the caller's own mistake: it is sent once.
fn mistakes(kind: &str) -> Vec<Row> {
    let lost = match kind {
        // Our own conversation is not there: that is no mistake of the caller's.
        CHAT_UI => row("404", refuse(404, &[]), (1, 2), 503, "no_credential"),
        _ => row("404", refuse(404, &[]), (1, 1), 404, "model_not_found"),
    };
    vec![
        row("400", refuse(400, &[]), (1, 1), 400, "invalid_request"),
        lost,
        row("413", refuse(413, &[]), (1, 1), 413, "request_too_large"),
        row("422", refuse(422, &[]), (1, 1), 422, "invalid_request"),
    ]
}

type Case = (&'static str, bool, Row);

fn cases(rows: impl Fn(&str) -> Vec<Row>) -> impl Iterator<Item = Case> {
    LANES.into_iter().flat_map(move |(kind, stream)| {
        rows(kind).into_iter().map(move |row| (kind, stream, row)).collect::<Vec<_>>()
    })
}

/// How often each account was used.
fn uses(stage: &Stage) -> BTreeMap<String, usize> {
    let mut uses = BTreeMap::new();
    for sender in stage.upstream.log().senders() {
        *uses.entry(sender.to_owned()).or_default() += 1;
    }
    uses
}

#[tokio::test]
async fn g08_what_fails_before_content_is_made_up_for_by_another_send() {
    each(cases(common), async |(kind, stream, row)| {
        let stage = stage(kind, 2, &[]).await;
        let told = ask(&stage, stream, &[row.steps]).await;
        let what = format!("{kind}, streamed {stream}, {}: {told:?}", row.name);
        assert!(told.is_whole(), "{what}");
        assert_eq!((told.text().as_str(), told.roles()), (ANSWER, 1), "{what}");
        let uses = uses(&stage);
        assert_eq!(uses.values().sum::<usize>(), 2, "{what}: {uses:?}");
        // Only what may pass at once is asked of the same account.
        assert!(uses.len() == 2 || row.sends.0 == 2, "{what}: {uses:?}");
    })
    .await;
}

#[tokio::test]
async fn g22_with_one_account_only_what_may_pass_is_sent_again() {
    let rows = |kind: &str| [common(kind), mistakes(kind)].concat();
    each(cases(rows), async |(kind, stream, row)| {
        let stage = stage(kind, 1, &[]).await;
        let told = ask(&stage, stream, &vec![row.steps; 4]).await;
        let what = format!("{kind}, streamed {stream}, {}: {told:?}", row.name);
        assert_eq!(told.refusal(), (row.told.0, row.told.1.to_owned()), "{what}");
        assert_eq!(stage.upstream.log().senders().len(), row.sends.0, "{what}");
    })
    .await;
}

#[tokio::test]
async fn g27_no_call_is_sent_more_often_than_the_table_says() {
    let rows = |kind: &str| [common(kind), mistakes(kind)].concat();
    each(cases(rows), async |(kind, stream, row)| {
        let stage = stage(kind, ACCOUNTS, &[]).await;
        let told = ask(&stage, stream, &vec![row.steps; ACCOUNTS]).await;
        let what = format!("{kind}, streamed {stream}, {}: {told:?}", row.name);
        assert_eq!(told.refusal(), (row.told.0, row.told.1.to_owned()), "{what}");
        let uses = uses(&stage);
        assert_eq!(uses.values().sum::<usize>(), row.sends.1, "{what}: {uses:?}");
        let most = uses.values().copied().max();
        assert!(most <= Some(row.sends.0), "{what}: {uses:?}");
    })
    .await;
}

#[tokio::test]
async fn g27_the_operator_sets_how_many_sends_a_call_may_make() {
    let limits = [1, 2, 4];
    each(limits, async |limit| {
        let text = limit.to_string();
        let stage = stage(OPENAI, ACCOUNTS, &[("RETRY_MAX_ATTEMPTS", &text)]).await;
        let told = ask(&stage, true, &vec![vec![refuse(503, &[])]; ACCOUNTS]).await;
        assert_eq!(told.refusal(), (503, "upstream_error".to_owned()), "{limit}: {told:?}");
        assert_eq!(stage.upstream.log().senders().len(), limit, "{told:?}");
    })
    .await;
}
