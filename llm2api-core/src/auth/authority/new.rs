//! What a code is to say.

use super::super::claims::{Claims, LAST_DATE};
use super::opaque::random_id;
use crate::error::{Error, ErrorKind, Result};
use crate::quota::Allowance;

/// Longest name of a holder or a plan, in characters.
const LONGEST: usize = 100;

/// A code that is to be issued.
///
/// # Example
/// ```
/// use llm2api_core::auth::NewCode;
///
/// let mut wanted = NewCode::new("Ada");
/// wanted.expires = Some(1_800_000_000);
/// let claims = wanted.into_claims(1_790_000_000)?;
/// assert_eq!((claims.holder.as_str(), claims.issued), ("Ada", 1_790_000_000));
///
/// let mut late = NewCode::new("Ada");
/// late.expires = Some(1_700_000_000);
/// assert!(late.into_claims(1_790_000_000).is_err());
/// # Ok::<(), llm2api_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewCode {
    /// Whom it is for.
    pub holder: String,
    /// What he has.
    pub plan: Option<String>,
    /// From when on it is good no more, in seconds since 1970; never where this is not set.
    pub expires: Option<u64>,
    /// From when on it is good; at once where this is not set.
    pub not_before: Option<u64>,
    /// How much the installation may use.
    pub limits: Allowance,
}

impl NewCode {
    /// Names the holder; the code never expires and has no limits.
    pub fn new(holder: impl Into<String>) -> Self {
        let (plan, expires, not_before, limits) = (None, None, None, Allowance::default());
        Self { holder: holder.into(), plan, expires, not_before, limits }
    }

    /// Checks it and gives it an id: what a code says that is issued at `now`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for a name that is empty, too long or has control characters,
    /// for dates that leave no time between them, and for limits of nothing at all.
    pub fn into_claims(self, now: u64) -> Result<Claims> {
        self.check_names()?;
        self.check_dates(now)?;
        self.check_limits()?;
        let mut claims = Claims::new(random_id()?, self.holder, now);
        claims.plan = self.plan;
        claims.not_before = self.not_before;
        claims.expires = self.expires;
        claims.limits = self.limits;
        Ok(claims)
    }

    fn check_names(&self) -> Result<()> {
        let advice = "write 1 to 100 characters, none of them a control";
        if !is_name(&self.holder) {
            return Err(wrong("holder", advice));
        }
        match self.plan.as_deref().is_none_or(is_name) {
            true => Ok(()),
            false => Err(wrong("plan", advice)),
        }
    }

    fn check_dates(&self, now: u64) -> Result<()> {
        let from = self.not_before.unwrap_or(now);
        if from > LAST_DATE {
            return Err(wrong("not_before", "write seconds since 1970, before the year 10000"));
        }
        let Some(expires) = self.expires else { return Ok(()) };
        if expires > LAST_DATE {
            return Err(wrong("expires_at", "write seconds since 1970, before the year 10000"));
        }
        match expires > now.max(from) {
            true => Ok(()),
            false => Err(wrong("expires_at", "the code would never be valid: write a later date")),
        }
    }

    fn check_limits(&self) -> Result<()> {
        let Allowance { requests_per_minute, tokens_per_day, concurrency } = self.limits;
        let nothing = [
            ("limits.requests_per_minute", requests_per_minute == Some(0)),
            ("limits.tokens_per_day", tokens_per_day == Some(0)),
            ("limits.concurrency", concurrency == Some(0)),
        ];
        match nothing.iter().find(|(_, is_nothing)| *is_nothing) {
            None => Ok(()),
            Some((param, _)) => Err(wrong(param, "write at least 1, or leave the limit out")),
        }
    }
}

fn is_name(text: &str) -> bool {
    let fits = (1..=LONGEST).contains(&text.chars().count());
    fits && !text.trim().is_empty() && !text.chars().any(char::is_control)
}

fn wrong(param: &str, message: &str) -> Error {
    let error = Error::new(ErrorKind::InvalidRequest, "issue code", message);
    error.with_code("invalid_value").with_param(param)
}
