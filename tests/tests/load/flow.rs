//! One streamed answer, and when its pieces came.

use std::time::Duration;

use llm2api_tests::processes::Api;
use tokio::time::Instant;

/// Two pieces that come closer than this came together.
const TOGETHER: Duration = Duration::from_millis(2);
/// So many pieces of each answer come while others begin: when they come is not looked at.
const BEGINNING: usize = 25;

/// How an answer came, or several.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flow {
    /// Pieces that hold an event.
    pub(crate) pieces: usize,
    /// Pieces that hold more than one.
    pub(crate) glued: usize,
    /// Pieces that came together with the one before.
    pub(crate) together: usize,
    /// The longest time between two pieces.
    pub(crate) longest: Duration,
}

impl Flow {
    /// Asks, and reads the answer to its end, or away after so many pieces.
    ///
    /// # Errors
    /// What is wrong with an answer that was read to its end.
    pub(crate) async fn of(api: &Api, prompt: &str, leave: Option<usize>) -> Result<Self, String> {
        let response = api.stream(prompt).await;
        let mut response = response.map_err(|error| format!("no answer: {error:?}"))?;
        let status = response.status().as_u16();
        let (mut flow, mut last, mut done) = (Self::default(), None, false);
        while leave.is_none_or(|leave| flow.pieces < leave) {
            let piece = response.chunk().await;
            let piece = piece.map_err(|error| format!("{status}, then {error:?}"))?;
            let Some(piece) = piece else { break };
            let events = String::from_utf8_lossy(&piece).matches("data: ").count();
            flow.note(events, &mut last);
            done |= piece.windows(6).any(|text| text == b"[DONE]");
        }
        match leave.is_some() || (status == 200 && done) {
            true => Ok(flow),
            false => Err(format!("{status}, and no end after {} pieces", flow.pieces)),
        }
    }

    /// Notes a piece with so many events.
    fn note(&mut self, events: usize, last: &mut Option<Instant>) {
        if events == 0 {
            return;
        }
        let now = Instant::now();
        let gap = last.replace(now).map(|last| now - last);
        if let Some(gap) = gap.filter(|_| self.pieces >= BEGINNING) {
            self.longest = self.longest.max(gap);
            self.together += usize::from(gap < TOGETHER);
        }
        self.pieces += 1;
        self.glued += usize::from(events > 1);
    }

    /// Both together.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            pieces: self.pieces + other.pieces,
            glued: self.glued + other.glued,
            together: self.together + other.together,
            longest: self.longest.max(other.longest),
        }
    }
}
