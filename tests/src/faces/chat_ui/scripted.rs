//! A message send that goes by a script.

use std::io;

use serde_json::Value;

use super::relay::headers;
use super::routes::Call;
use super::send::Turn;
use super::wire;
use crate::http::Exchange;
use crate::log::RunningGuard;
use crate::plan::tokens;
use crate::play::{Manner, Player};
use crate::script::{Script, Step};

/// Plays a script that refuses the message, which is not stored.
pub(super) async fn refuse(
    call: &Call<'_>,
    exchange: &mut Exchange<'_>,
    script: Script,
) -> io::Result<()> {
    let manner = Manner { headers: headers(call), lines: true, listener: None };
    Player::new(exchange, manner, &call.state.log).play(script.steps).await;
    Ok(())
}

/// Plays a script in place of the model; what it says is stored and can be read again.
pub(super) async fn play(
    call: &Call<'_>,
    exchange: &mut Exchange<'_>,
    turn: Turn,
    script: Script,
    running: RunningGuard,
) -> io::Result<()> {
    let steps = script.steps.into_iter().flat_map(|step| expand(call, &turn, step)).collect();
    let mut said = String::new();
    let mut heard = |update: &Value| {
        if *update != wire::keep_alive() {
            let update = wire::unpadded(update.clone());
            if let Some(token) = wire::token_of(&update) {
                said.push_str(token);
                turn.store_progress(call.state, &said);
            }
            turn.generation.push(update);
        }
    };
    let manner = Manner { headers: headers(call), lines: true, listener: Some(&mut heard) };
    Player::new(exchange, manner, &call.state.log).play(steps).await;
    let updates = turn.generation.since(0).0;
    let (text, interrupted, end) = outcome(&updates);
    turn.store(call.state, &text, updates, interrupted);
    drop(running);
    turn.generation.finish(Vec::new(), end);
    Ok(())
}

/// The steps of a step: an answer stands for many.
fn expand(call: &Call<'_>, turn: &Turn, step: Step) -> Vec<Step> {
    let Step::Answer(text) = step else { return vec![step] };
    let pause = u64::try_from(call.options.token_delay.as_millis()).unwrap_or(u64::MAX);
    let mut steps = vec![Step::Status { status: 200, headers: headers(call) }];
    steps.extend([Step::Line(wire::started()), Step::KeepAlive]);
    if turn.untitled {
        steps.push(Step::Line(wire::title(wire::TITLE)));
    }
    for token in tokens(&text) {
        steps.extend([Step::Sleep(pause), Step::Line(wire::padded(wire::token(&token)))]);
    }
    steps.push(Step::Line(wire::final_answer(&text, false)));
    steps.push(Step::Chunk(" ".repeat(wire::SPACES)));
    if call.is_v2() {
        steps.extend([Step::Line(wire::router()), Step::Line(wire::finished())]);
    }
    steps
}

/// The text to store, whether it was interrupted, and how the generation ended.
fn outcome(updates: &[Value]) -> (String, Option<bool>, &'static str) {
    let said: String = updates.iter().filter_map(wire::token_of).collect();
    if let Some(last) = updates.iter().rev().find(|update| wire::is_final(update)) {
        let interrupted = last["interrupted"].as_bool().unwrap_or(false);
        let text = last["text"].as_str().unwrap_or_default();
        let used_tool = updates.iter().any(|update| update["type"] == "tool");
        let text = if used_tool { with_rounds(said, text) } else { text.to_owned() };
        return (text, Some(interrupted), if interrupted { "interrupted" } else { "completed" });
    }
    let finished = updates.iter().any(|update| *update == wire::finished());
    (said, finished.then_some(false), if finished { "completed" } else { "error" })
}

/// What is stored of an answer in rounds, whose final text is that of the last round alone.
fn with_rounds(said: String, text: &str) -> String {
    match () {
        () if said.ends_with(text) => said,
        () if text.starts_with(&said) => text.to_owned(),
        () => format!("{said}\n\n{text}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::outcome;
    use crate::faces::chat_ui::wire;

    #[test]
    fn an_answer_in_rounds_is_stored_whole() {
        let tool = json!({"type": "tool"});
        let last = wire::final_answer("b", false);
        let updates = [wire::token("a"), tool, wire::token("b"), last];
        assert_eq!(outcome(&updates), ("ab".to_owned(), Some(false), "completed"));
    }

    #[test]
    fn an_answer_that_began_anew_is_stored_as_its_final_text() {
        let updates = [wire::token("a"), wire::token("ab"), wire::final_answer("ab", false)];
        assert_eq!(outcome(&updates), ("ab".to_owned(), Some(false), "completed"));
    }

    #[test]
    fn an_answer_without_an_end_stays_open() {
        assert_eq!(outcome(&[wire::token("a")]), ("a".to_owned(), None, "error"));
    }
}
