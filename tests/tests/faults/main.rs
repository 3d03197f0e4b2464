//! An upstream that misbehaves behind the real server: what the client gets, and what it costs.

mod after;
mod alias;
mod breaks;
mod creation;
mod hold;
mod last;
mod splits;
mod table;
mod types;
mod waits;

use llm2api_tests::processes::{CHAT_UI, OPENAI, Outcome, Stage};
use llm2api_tests::{Options, Script, Step};

/// Every kind of upstream, in both modes.
pub(crate) const LANES: [(&str, bool); 4] =
    [(OPENAI, true), (OPENAI, false), (CHAT_UI, true), (CHAT_UI, false)];

/// A stage with so many accounts, where what is cut cannot be taken up again.
pub(crate) async fn stage(kind: &str, accounts: usize, settings: &[(&str, &str)]) -> Stage {
    let options = Options { reattach: false, read_conversations: false, ..Options::default() };
    let cookies: Vec<_> = (1..=accounts).map(|number| format!("account-{number}")).collect();
    let cookies = cookies.join(",");
    let own = [("COOKIES", cookies.as_str())];
    Stage::start(kind, options, &[&own, settings].concat()).await
}

/// Asks once, and has the upstream play these scripts.
pub(crate) async fn ask(stage: &Stage, stream: bool, scripts: &[Vec<Step>]) -> Outcome {
    for steps in scripts {
        stage.upstream.script(Script::steps(steps.clone()));
    }
    Outcome::of(&stage.server.api, "hello", stream).await
}
