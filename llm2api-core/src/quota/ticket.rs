//! What an admitted request holds.

use std::fmt;
use std::sync::Arc;

use super::place::Place;
use super::shared::Shared;

/// One admitted request: it rides in the answer, and what it holds goes back when it is dropped.
///
/// Dropping it neither waits nor spawns, and needs no runtime.
pub struct Ticket {
    /// Goes back after the tokens were counted: whoever comes next finds them.
    counted: Option<Counted>,
    place: Place,
}

/// A request that is counted.
struct Counted {
    shared: Arc<Shared>,
    subject: Arc<str>,
    /// The day that its tokens count for.
    day: u64,
    estimate: u64,
    took: Option<u64>,
}

impl Ticket {
    /// Holds a place, and counts nothing.
    pub(super) fn uncounted(place: Place) -> Self {
        Self { counted: None, place }
    }

    /// Holds a place, and tokens that count for a day.
    pub(super) fn counted(
        place: Place,
        shared: Arc<Shared>,
        subject: Arc<str>,
        day: u64,
        estimate: u64,
    ) -> Self {
        let counted = Counted { shared, subject, day, estimate, took: None };
        Self { counted: Some(counted), place }
    }

    /// Tells the tokens that the request and its answer took; of several calls the last one counts.
    ///
    /// They take the place of the estimate when the ticket is dropped. Without this the estimate
    /// stays.
    pub fn settle(&mut self, tokens: u64) {
        if let Some(counted) = &mut self.counted {
            counted.took = Some(tokens);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let took = self.took.unwrap_or(self.estimate);
        self.shared.settle(&self.subject, self.day, self.estimate, took);
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.counted.as_ref();
        f.debug_struct("Ticket")
            .field("subject", &counted.map(|counted| &counted.subject))
            .field("estimate", &counted.map(|counted| counted.estimate))
            .field("took", &counted.and_then(|counted| counted.took))
            .field("place", &!matches!(self.place, Place::Unlimited))
            .finish()
    }
}
