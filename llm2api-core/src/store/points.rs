//! What happened in each minute and in each hour, as a store sees it.

/// How much time a point of a series covers.
///
/// # Example
/// ```
/// use llm2api_core::store::Span;
///
/// let (a_day_later, first) = (1_767_225_600 + 24 * 3600, 1_767_225_600);
/// assert_eq!(Span::Minute.at(a_day_later) - Span::Minute.at(first), Span::Minute.kept());
/// assert_eq!(Span::Hour.at(first + 3599), Span::Hour.at(first));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Span {
    /// One minute, of which a day is kept.
    Minute,
    /// One hour, of which thirty days are kept.
    Hour,
}

impl Span {
    /// All spans, the shortest first.
    pub const ALL: [Self; 2] = [Self::Minute, Self::Hour];

    /// Returns how many seconds it has.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }

    /// Returns how many of its points are kept.
    pub const fn kept(self) -> u64 {
        match self {
            Self::Minute => 24 * 60,
            Self::Hour => 30 * 24,
        }
    }

    /// Names it: `minute` or `hour`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }

    /// Returns the number of the span that a second since 1970 belongs to.
    pub const fn at(self, unix_seconds: u64) -> u64 {
        unix_seconds / self.seconds()
    }

    /// Returns the oldest point that is kept once there is this one.
    pub(super) const fn oldest(self, newest: u64) -> u64 {
        newest.saturating_sub(self.kept())
    }
}

/// What happened to one thing within one span of time, or what is to be added to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// What it is about, such as `credential:cred_1` or `model:llama`.
    pub series: String,
    /// How much time it covers.
    pub span: Span,
    /// Spans since 1970.
    pub at: u64,
    /// Each figure's name and value, by name.
    pub figures: Vec<(String, u64)>,
}

/// Which points are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PointsAsk {
    /// What they are about.
    pub series: Vec<String>,
    /// How much time each covers.
    pub span: Span,
    /// The first that is wanted, in spans since 1970.
    pub from: u64,
    /// The last that is wanted.
    pub to: u64,
}

impl PointsAsk {
    /// Asks for the points of some series, from one to another, both included.
    pub fn new(series: Vec<String>, span: Span, from: u64, to: u64) -> Self {
        Self { series, span, from, to }
    }
}

/// Returns each span of a batch with the oldest point of it that is kept from then on.
pub(super) fn oldest_kept(points: &[Point]) -> impl Iterator<Item = (Span, u64)> {
    Span::ALL.into_iter().filter_map(|span| {
        let of_span = points.iter().filter(|point| point.span == span);
        Some((span, span.oldest(of_span.map(|point| point.at).max()?)))
    })
}
