//! What becomes of a call on its way, noted for whoever wants to know why.

mod notes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use notes::{
    ChosenBy, Excluded, Next, Selection, Step, StepEnd, StepFailure, TrailNotes, Weighed,
};

use super::RetryPlan;

/// Choices that are kept: more than a call can make attempts, and an end where they do not end.
const MOST_SELECTIONS: usize = 64;

/// Notes what becomes of calls that are asked for under it: the selections among credentials, and the
/// attempts with their times. Cloning is cheap and shares the notes.
///
/// Nothing is noted of a call without one. A call that is made twice leaves two lots of notes.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::chat::trail::{StepEnd, Trail};
/// use llm2api_core::{Call, ChatRequest, Client, Message};
///
/// let client = Client::builder().build().await?;
/// let trail = Trail::new();
/// let mut request = ChatRequest::new("demo").with_message(Message::user("Hello"));
/// request.call = Call::new("req_1").with_trail(trail.clone());
/// client.chat(request).await?.collect().await?;
///
/// let notes = trail.notes();
/// assert_eq!(notes.steps.len(), 1);
/// assert_eq!((&*notes.steps[0].upstream, &notes.steps[0].end), ("demo", &StepEnd::Completed));
/// assert_eq!(notes.selections[0].taken.as_ref(), Some(&notes.steps[0].credential));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Trail {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    began: Instant,
    notes: Mutex<TrailNotes>,
}

/// A call waits for lists of models.
#[derive(Debug)]
pub(crate) struct ListsWait {
    trail: Trail,
    began: Instant,
}

impl Drop for ListsWait {
    fn drop(&mut self) {
        self.trail.lock().listed += self.began.elapsed();
    }
}

/// One attempt that is being noted.
#[derive(Clone, Debug)]
pub(crate) struct StepMark {
    trail: Trail,
    at: usize,
}

impl Trail {
    /// Begins a trail: its times count from now.
    pub fn new() -> Self {
        let notes = Mutex::default();
        Self { shared: Arc::new(Shared { began: Instant::now(), notes }) }
    }

    /// Returns what was noted so far.
    pub fn notes(&self) -> TrailNotes {
        self.lock().clone()
    }

    /// Returns the attempts that were noted so far.
    pub fn steps(&self) -> Vec<Step> {
        self.lock().steps.clone()
    }

    /// Returns when the trail began.
    pub fn began(&self) -> Instant {
        self.shared.began
    }

    /// Returns how long upstreams, their lists of models, searches and the wait for a free credential
    /// have taken so far: what a call took beside, the engine took. An answer that is still on its
    /// way counts up to its first content.
    pub fn waits(&self) -> Duration {
        let (now, notes) = (self.at(Instant::now()), self.lock());
        let step =
            |step: &Step| step.ended.or(step.first_content).unwrap_or(now).saturating_sub(step.at);
        let steps = notes.steps.iter().filter(|step| !step.aside).map(step);
        let selections = notes.selections.iter().filter(|selection| !selection.aside);
        let waits = steps.chain(selections.map(|selection| selection.waited));
        waits.sum::<Duration>() + notes.searched + notes.listed
    }

    /// Returns an instant as the trail counts time.
    pub(crate) fn at(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.shared.began)
    }

    pub(crate) fn note_selection(&self, selection: Selection) {
        let mut notes = self.lock();
        if notes.selections.len() < MOST_SELECTIONS {
            // There is one, as a rule, and it lasts as long as the answer.
            notes.selections.reserve_exact(1);
            notes.selections.push(selection);
        }
    }

    /// Notes that a search took so long.
    #[cfg(feature = "web-search")]
    pub(crate) fn note_search(&self, took: Duration) {
        self.lock().searched += took;
    }

    /// Begins a wait for lists of models, which is noted when it is dropped.
    pub(crate) fn wait_for_lists(&self) -> ListsWait {
        ListsWait { trail: self.clone(), began: Instant::now() }
    }

    /// Notes what follows the last attempt, which has failed.
    pub(crate) fn note_next(&self, plan: Option<RetryPlan>) {
        let now = Instant::now();
        let next = plan.map_or(Next::GiveUp, |plan| Next::Retry {
            same_after: plan.same_from.map(|from| from.saturating_duration_since(now)),
            others: plan.others,
        });
        let mut notes = self.lock();
        // What was refused before there was an attempt follows none.
        let failed = |step: &&mut Step| matches!(step.end, StepEnd::Failed(_));
        if let Some(last) = notes.steps.last_mut().filter(failed) {
            last.next.get_or_insert(next);
        }
    }

    pub(crate) fn begin_step(&self, step: Step) -> StepMark {
        let mut notes = self.lock();
        notes.steps.reserve_exact(1);
        notes.steps.push(step);
        StepMark { trail: self.clone(), at: notes.steps.len() - 1 }
    }

    fn lock(&self) -> MutexGuard<'_, TrailNotes> {
        // Nothing panics while it holds the lock.
        self.shared.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Trail {
    fn default() -> Self {
        Self::new()
    }
}

impl StepMark {
    pub(crate) fn first_content(&self) {
        let at = self.trail.at(Instant::now());
        self.change(|step| {
            step.first_content.get_or_insert(at);
        });
    }

    pub(crate) fn end(&self, end: StepEnd) {
        let at = self.trail.at(Instant::now());
        self.change(|step| {
            step.ended = Some(at);
            step.end = end;
        });
    }

    fn change(&self, change: impl FnOnce(&mut Step)) {
        if let Some(step) = self.trail.lock().steps.get_mut(self.at) {
            change(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Others;
    use crate::error::{Error, ErrorKind};

    fn step(trail: &Trail, aside: bool) -> StepMark {
        trail.begin_step(Step {
            upstream: "local".into(),
            model: "llama".into(),
            credential: "cred_1".into(),
            aside,
            trace: None,
            at: trail.at(Instant::now()),
            first_content: None,
            ended: None,
            end: StepEnd::default(),
            next: None,
        })
    }

    async fn pass(millis: u64) {
        tokio::time::advance(Duration::from_millis(millis)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_took_is_counted_once() {
        let trail = Trail::new();
        trail
            .note_selection(Selection { waited: Duration::from_millis(5), ..Selection::default() });
        let failed = step(&trail, false);
        pass(20).await;
        failed.end(StepEnd::Cancelled);
        let wait = trail.wait_for_lists();
        pass(7).await;
        drop(wait);
        pass(3).await;
        let answering = step(&trail, false);
        pass(100).await;
        assert_eq!(trail.waits().as_millis(), 132, "no content yet");
        answering.first_content();
        pass(1000).await;
        assert_eq!(trail.waits().as_millis(), 132, "a stream goes on while the client reads it");
        answering.end(StepEnd::Completed);
        assert_eq!(trail.waits().as_millis(), 1132, "a whole answer has been waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_with_what_follows() {
        let trail = Trail::new();
        let mark = step(&trail, false);
        let error = Error::new(ErrorKind::RateLimited, "chat", "too fast").with_status(429);
        mark.end(StepEnd::Failed((&error).into()));
        let wait = Duration::from_millis(200);
        trail.note_next(Some(RetryPlan::new(Some(wait), Others::Any)));
        let notes = trail.notes();
        let StepEnd::Failed(failure) = &notes.steps[0].end else { panic!("failed") };
        assert_eq!((failure.code.as_str(), failure.status), ("rate_limit_exceeded", Some(429)));
        let expected = Next::Retry { same_after: Some(wait), others: Others::Any };
        assert_eq!(notes.steps[0].next, Some(expected));
    }
}
