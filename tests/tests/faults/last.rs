//! What the caller is told after the last attempt, beyond status and code.

use std::time::{Duration, SystemTime};

use llm2api_tests::processes::Outcome;
use llm2api_tests::{Step, each};
use serde_json::json;

use crate::table::refuse;
use crate::{LANES, ask, stage};

/// The only account of a stage.
const SECRET: &str = "account-1";

#[tokio::test]
async fn g21_the_caller_learns_when_a_rate_limit_ends() {
    let cases = LANES.into_iter().flat_map(|lane| {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
        [(lane, "60".to_owned(), 58..=60), (lane, date, 80..=90)]
    });
    each(cases, async |((kind, stream), named, expected)| {
        let stage = stage(kind, 1, &[]).await;
        let limited = vec![refuse(429, &[("retry-after", &named)])];
        let told = ask(&stage, stream, &[limited]).await;
        let what = format!("{kind}, streamed {stream}, {named}: {told:?}");
        assert_eq!(told.refusal(), (429, "rate_limit_exceeded".to_owned()), "{what}");
        assert!(told.retry_after.is_some_and(|wait| expected.contains(&wait)), "{what}");
        // The next call is not sent at all, and is told the same.
        let told = Outcome::of(&stage.server.api, "hello", stream).await;
        assert_eq!(told.refusal(), (429, "pool_exhausted".to_owned()), "{what}: {told:?}");
        assert!(told.retry_after.is_some_and(|wait| expected.contains(&wait)), "{told:?}");
        assert_eq!(stage.upstream.log().senders().len(), 1, "{what}");
    })
    .await;
}

#[tokio::test]
async fn g26_what_an_upstream_says_is_told_without_the_secrets_in_it() {
    each(LANES, async |(kind, stream)| {
        let stage = stage(kind, 1, &[]).await;
        let text = format!("mock: no room for {SECRET} today");
        let body = json!({"error": {"message": text}, "message": text});
        let refusal = Step::Json { status: 503, headers: vec![], body };
        let told = ask(&stage, stream, &vec![vec![refusal]; 2]).await;
        let what = format!("{kind}, streamed {stream}: {told:?}");
        assert_eq!(told.refusal(), (503, "upstream_error".to_owned()), "{what}");
        let said = told.error()["message"].to_string();
        assert!(said.contains("no room for *** today"), "{what}");
        assert!(!told.body.contains(SECRET), "{what}");
        assert!(!stage.server.logged(SECRET), "{what}");
    })
    .await;
}
