//! Writes an answer as the model gives it, whether anybody reads along or not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::generation::Stop;
use super::routes::Call;
use super::send::Turn;
use super::wire;
use crate::clock;
use crate::lock::lock;
use crate::log::RunningGuard;
use crate::plan::{ANSWER, Beat, Plan};
use crate::state::State;
use crate::tree::NEW_CHAT;

/// How often the server looks for stop marks.
const MARK_CHECK: Duration = Duration::from_millis(300);
/// How long a stop mark is good.
const MARK_LIFE: Duration = Duration::from_secs(5);

/// The task that writes one answer.
#[derive(Debug)]
pub(super) struct Writer {
    state: Arc<State>,
    turn: Turn,
    plan: Plan,
    running: RunningGuard,
    stops: watch::Receiver<Option<Stop>>,
    v2: bool,
    said: Said,
}

/// What was said so far.
#[derive(Debug, Default)]
struct Said {
    /// All tokens.
    all: String,
    /// The tokens since the last restart or tool call: the text of the final answer.
    round: String,
    thinking: bool,
    restarted: bool,
    used_tool: bool,
}

/// Why the tokens ended.
enum Stopped {
    Whole,
    ByClient(Stop),
    Failed(String, Option<u16>),
}

impl Writer {
    /// A writer for this turn.
    pub(super) fn new(call: &Call<'_>, turn: Turn, plan: Plan, running: RunningGuard) -> Self {
        let stops = turn.generation.stops();
        let (state, v2) = (Arc::clone(call.state), call.is_v2());
        Self { state, turn, plan, running, stops, v2, said: Said::default() }
    }

    /// Writes the answer to its end.
    pub(super) async fn run(mut self) {
        self.heed_mark();
        self.turn.generation.push(wire::started());
        if self.v2 || self.turn.web_search {
            self.give_title();
        }
        if self.turn.web_search {
            self.push_all(wire::web_search(&self.turn.prompt.text));
        }
        let stopped = self.tokens().await;
        self.close(&stopped);
    }

    /// Lets a stop that came just before the start take effect, as measured.
    fn heed_mark(&self) {
        let id = &self.turn.conversation.id;
        let mark = lock(&self.state.memory).stop_marks.get(id).copied();
        let fresh = mark.is_some_and(|mark| Instant::now().duration_since(mark) < MARK_LIFE);
        if fresh && self.v2 {
            let generation = Arc::clone(&self.turn.generation);
            self.state.tasks.spawn(async move {
                sleep(MARK_CHECK).await;
                generation.stop(Stop { seen: None });
            });
        }
    }

    async fn tokens(&mut self) -> Stopped {
        let beats = std::mem::take(&mut self.plan.beats);
        let last = beats.iter().take_while(|beat| is_token(beat)).count();
        for (place, beat) in beats.iter().enumerate() {
            if place + 1 == last {
                self.give_old_title(&beats);
            }
            let token = match self.token(beat) {
                Ok(Some(token)) => token,
                Ok(None) => continue,
                Err(failed) => return failed,
            };
            if let Some(stop) = self.pause().await {
                return Stopped::ByClient(stop);
            }
            self.say(&token);
        }
        if beats.is_empty() {
            self.give_old_title(&beats);
        }
        Stopped::Whole
    }

    /// The token of a beat; none where something else happens.
    fn token(&mut self, beat: &Beat) -> Result<Option<String>, Stopped> {
        match beat {
            Beat::Think(text) => Ok(Some(self.said.think(text))),
            Beat::Text(text) => Ok(Some(self.said.text(text))),
            Beat::Tool => {
                self.use_tool();
                Ok(None)
            }
            Beat::Break(_) if self.v2 && !self.said.restarted => {
                self.said.restart();
                Ok(None)
            }
            Beat::Break(message) => Err(Stopped::Failed((*message).to_owned(), None)),
            Beat::Refuse(refusal) => {
                Err(Stopped::Failed(refusal.chat_ui_message(), Some(refusal.status)))
            }
        }
    }

    /// Waits for the next token; a stop may come first.
    async fn pause(&mut self) -> Option<Stop> {
        if let Some(stop) = *self.stops.borrow() {
            return Some(stop);
        }
        if self.plan.pause.is_zero() {
            return None;
        }
        tokio::select! {
            () = sleep(self.plan.pause) => None,
            Ok(stop) = self.stops.wait_for(Option::is_some) => *stop,
        }
    }

    fn push_all(&self, updates: impl IntoIterator<Item = Value>) {
        for update in updates {
            self.turn.generation.push(update);
        }
    }

    fn say(&mut self, token: &str) {
        self.said.all.push_str(token);
        self.said.round.push_str(token);
        self.turn.store_progress(&self.state, &self.said.all);
        self.turn.generation.push(wire::token(token));
    }

    fn use_tool(&mut self) {
        self.push_all(wire::tool(&self.said.all));
        if self.v2 {
            self.turn.generation.push(wire::router());
        }
        self.said.round.clear();
        self.said.used_tool = true;
    }

    /// The title, once for a conversation.
    fn give_title(&mut self) {
        let title = if self.v2 { wire::TITLE.to_owned() } else { format!("💬 {ANSWER}") };
        self.set_title(title);
    }

    /// The title of 2024, which comes just before the last token.
    fn give_old_title(&mut self, beats: &[Beat]) {
        let fails = beats.is_empty() || beats.iter().any(|beat| matches!(beat, Beat::Break(_)));
        if !self.v2 {
            self.set_title(if fails { NEW_CHAT.to_owned() } else { format!("💬 {ANSWER}") });
        }
    }

    fn set_title(&mut self, title: String) {
        if !std::mem::take(&mut self.turn.untitled) {
            return;
        }
        self.turn.generation.push(wire::title(&title));
        if let Some(found) = lock(&self.state.memory).conversation(&self.turn.conversation.id) {
            found.title.clone_from(&title);
        }
        self.turn.conversation.title = title;
    }

    /// Stores the answer, then lets the readers see its end.
    fn close(self, stopped: &Stopped) {
        let (text, last, end) = self.ending(stopped);
        let mut updates = self.turn.generation.since(0).0;
        updates.extend(last.iter().cloned());
        let interrupted = match stopped {
            Stopped::Whole => Some(false),
            Stopped::ByClient(_) => Some(true),
            Stopped::Failed(..) => None,
        };
        self.turn.store(&self.state, &text, updates, interrupted);
        drop(self.running);
        self.turn.generation.finish(last, end);
    }

    /// What is stored, the last updates, and how it ends.
    fn ending(&self, stopped: &Stopped) -> (String, Vec<Value>, &'static str) {
        let said = &self.said;
        match stopped {
            Stopped::Failed(message, status) => {
                let update = wire::failed(message, status.filter(|_| self.v2));
                (said.all.clone(), vec![update], "error")
            }
            Stopped::ByClient(stop) => {
                let text = stop.seen.map_or(said.all.clone(), |seen| wire::clamp(&said.all, seen));
                let answer = wire::final_answer(&text, true);
                (text, vec![wire::router(), answer, wire::finished()], "interrupted")
            }
            Stopped::Whole if said.all.is_empty() => {
                let failed = "No output was generated. Something went wrong.";
                let router = self.v2.then(wire::router);
                let last = router.into_iter().chain([wire::failed(failed, None)]).collect();
                (String::new(), last, "error")
            }
            Stopped::Whole => {
                let text = if said.restarted { &said.round } else { &said.all };
                (text.clone(), self.last_updates(), "completed")
            }
        }
    }

    /// The last updates of an answer that is whole.
    fn last_updates(&self) -> Vec<Value> {
        let answer = self.plan.finish.map(|_| wire::final_answer(&self.said.round, false));
        let router = (self.v2 && !self.said.used_tool).then(wire::router);
        let finished = self.v2.then(wire::finished);
        answer.into_iter().chain(router).chain(finished).collect()
    }
}

impl Turn {
    /// Stores what the answer says so far.
    pub(super) fn store_progress(&self, state: &State, said: &str) {
        let mut memory = lock(&state.memory);
        let found = memory.conversation(&self.conversation.id);
        if let Some(answer) = found.and_then(|found| found.message_mut(&self.answer)) {
            answer.content = format!("{}{said}", self.before);
        }
        drop(memory);
        state.log.wake();
    }

    /// Stores the answer. The whole list of messages is written back as it was at the start, so
    /// that of two turns at a time one loses its answer, as measured.
    pub(super) fn store(
        &self,
        state: &State,
        text: &str,
        updates: Vec<Value>,
        interrupted: Option<bool>,
    ) {
        let mut conversation = self.conversation.clone();
        let title = updates.iter().find_map(|update| update["title"].as_str());
        conversation.title = title.map_or(conversation.title, str::to_owned);
        if let Some(answer) = conversation.message_mut(&self.answer) {
            answer.content = format!("{}{text}", self.before);
            answer.updates = updates;
            answer.interrupted = interrupted;
            answer.updated_at = clock::iso();
        }
        conversation.updated_at = clock::iso();
        if let Some(found) = lock(&state.memory).conversation(&conversation.id) {
            *found = conversation;
        }
    }
}

impl Said {
    /// A token of reasoning, in tags as chat-ui passes it on.
    fn think(&mut self, text: &str) -> String {
        let tag = if self.thinking { "" } else { "<think>" };
        self.thinking = true;
        format!("{tag}{text}")
    }

    fn text(&mut self, text: &str) -> String {
        let tag = if std::mem::take(&mut self.thinking) { "</think>" } else { "" };
        format!("{tag}{text}")
    }

    fn restart(&mut self) {
        self.round.clear();
        self.thinking = false;
        self.restarted = true;
    }
}

fn is_token(beat: &Beat) -> bool {
    matches!(beat, Beat::Text(_) | Beat::Think(_))
}
