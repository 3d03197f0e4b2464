//! A generation: what it said so far, for everyone who reads along.

use std::sync::Mutex;

use serde_json::Value;
use tokio::sync::watch;

use super::recording::Recording;
use crate::lock::lock;

/// A generation, under way or ended. It does not depend on the client that started it.
#[derive(Debug)]
pub(crate) struct Generation {
    /// Id, chosen by the client or by the server.
    pub(super) id: String,
    /// Conversation.
    pub(super) conversation: String,
    progress: Mutex<Progress>,
    changed: watch::Sender<u64>,
    stop: watch::Sender<Option<Stop>>,
}

/// A request to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    /// How much the client has seen, in UTF-16 units.
    pub(super) seen: Option<u64>,
}

#[derive(Debug, Default)]
struct Progress {
    updates: Vec<Value>,
    recording: Recording,
    end: Option<&'static str>,
}

impl Generation {
    /// A generation that said nothing yet; `recording` is what will show it again.
    pub(super) fn new(id: String, conversation: String, recording: Recording) -> Self {
        let (changed, stop) = (watch::Sender::new(0), watch::Sender::new(None));
        let progress = Mutex::new(Progress { recording, ..Progress::default() });
        Self { id, conversation, progress, changed, stop }
    }

    /// Adds an update.
    pub(super) fn push(&self, update: Value) {
        lock(&self.progress).push(update);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Adds the last updates and ends it.
    pub(super) fn finish(&self, last: Vec<Value>, end: &'static str) {
        let mut progress = lock(&self.progress);
        last.into_iter().for_each(|update| progress.push(update));
        progress.recording.flush();
        progress.end = Some(end);
        drop(progress);
        self.changed.send_modify(|count| *count += 1);
    }

    /// The updates from place `from` on, and how it ended if it has.
    pub(super) fn since(&self, from: usize) -> (Vec<Value>, Option<&'static str>) {
        let progress = lock(&self.progress);
        (progress.updates.iter().skip(from).cloned().collect(), progress.end)
    }

    /// The recorded updates after `number`, and how it ended if it has.
    pub(super) fn recorded_after(&self, number: usize) -> (Vec<Value>, Option<&'static str>) {
        let progress = lock(&self.progress);
        (progress.recording.after(number), progress.end)
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        lock(&self.progress).end.is_some()
    }

    /// Follows its updates.
    pub(super) fn follow(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Asks it to stop.
    pub(super) fn stop(&self, stop: Stop) {
        self.stop.send_replace(Some(stop));
    }

    /// Follows the requests to stop.
    pub(super) fn stops(&self) -> watch::Receiver<Option<Stop>> {
        self.stop.subscribe()
    }
}

impl Progress {
    fn push(&mut self, update: Value) {
        self.recording.push(&update);
        self.updates.push(update);
    }
}
