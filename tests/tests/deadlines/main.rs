//! Every wait has an end: each deadline of the settings, and the code of the error that tells it.

mod clients;
mod queue;
mod reach;
mod upstreams;

use std::time::Duration;

use llm2api_tests::Options;
use llm2api_tests::processes::{Stage, eventually};

/// What a machine under load may add to a wait.
pub(crate) const SLACK: Duration = Duration::from_secs(3);
/// What clocks may differ by.
const EARLY: Duration = Duration::from_millis(50);

/// A stage with two accounts, where what is cut cannot be taken up again.
pub(crate) async fn stage(kind: &str, settings: &[(&str, &str)]) -> Stage {
    let options = Options { reattach: false, read_conversations: false, ..Options::default() };
    let own = [("COOKIES", "account-1,account-2")];
    Stage::start(kind, options, &[&own, settings].concat()).await
}

/// Waits until no call is under way any more, here or at the upstream.
pub(crate) async fn is_free(stage: &Stage) {
    eventually("the places are free", SLACK, async || (stage.in_flight().await == 0).then_some(()))
        .await;
    stage.upstream.wait_for(|log| log.running.is_empty()).await;
}

/// Says whether a wait ended when it should.
pub(crate) fn is_punctual(took: Duration, limit: Duration) -> bool {
    (limit.saturating_sub(EARLY)..limit + SLACK).contains(&took)
}
