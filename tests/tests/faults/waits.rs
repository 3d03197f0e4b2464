//! `Retry-After`: the same account is not asked again before that.

use std::time::Duration;

use llm2api_tests::each;
use llm2api_tests::plan::ANSWER;
use llm2api_tests::processes::CHAT_UI;

use crate::table::refuse;
use crate::{LANES, ask, stage};

/// What a machine under load may add.
const SLACK: Duration = Duration::from_secs(3);
const SECOND: Duration = Duration::from_secs(1);
/// Far less than a long `Retry-After`, which a machine under load does not take.
const AT_ONCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn g21_a_short_retry_after_is_waited_for_before_the_same_account_is_asked_again() {
    let cases = LANES.into_iter().flat_map(|lane| [429, 503, 408].map(|status| (lane, status)));
    each(cases, async |((kind, stream), status)| {
        let stage = stage(kind, 1, &[]).await;
        let told = ask(&stage, stream, &[vec![refuse(status, &[("retry-after", "1")])]]).await;
        let what = format!("{kind}, streamed {stream}, {status}: {told:?}");
        assert!(told.is_whole() && told.text() == ANSWER, "{what}");
        assert!((SECOND..SECOND + SLACK).contains(&told.took), "{what}");
        assert_eq!(stage.upstream.log().senders().len(), 2, "{what}");
    })
    .await;
}

#[tokio::test]
async fn g21_a_long_retry_after_is_passed_on_and_not_waited_for() {
    let cases = LANES.into_iter().flat_map(|lane| [429, 503, 408].map(|status| (lane, status)));
    each(cases, async |((kind, stream), status)| {
        let alone = stage(kind, 1, &[]).await;
        let limited = [vec![refuse(status, &[("retry-after", "30")])]];
        let told = ask(&alone, stream, &limited).await;
        let what = format!("{kind}, streamed {stream}, {status}: {told:?}");
        assert_eq!(told.status, if status == 408 { 503 } else { status }, "{what}");
        assert_eq!(told.retry_after, Some(30), "{what}");
        assert!(told.took < AT_ONCE, "{what}");
        assert_eq!(alone.upstream.log().senders().len(), 1, "{what}");

        let pair = stage(kind, 2, &[]).await;
        let told = ask(&pair, stream, &limited).await;
        assert!(told.is_whole() && told.took < AT_ONCE, "another account answers: {told:?}");
    })
    .await;
}

#[tokio::test]
async fn g21_two_accounts_that_are_limited_leave_a_chat_ui_alone() {
    let stage = stage(CHAT_UI, 3, &[]).await;
    let limited = vec![refuse(429, &[("retry-after", "20")])];
    let told = ask(&stage, true, &vec![limited; 3]).await;
    assert_eq!(told.status, 429, "{told:?}");
    assert_eq!(stage.upstream.log().senders().len(), 2, "the third is not asked: {told:?}");
}
