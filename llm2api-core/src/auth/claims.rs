//! What an authorisation code says.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;

use crate::quota::Allowance;

/// The end of the year 9999.
pub(super) const LAST_DATE: u64 = 253_402_300_799;

/// What an authorisation code says; in a signed one, as the claims of a JSON Web Token.
///
/// Dates are seconds since 1970. Source of the claims' names: RFC 7519, section 4.1; `plan` and
/// `limits` are our own.
///
/// # Example
/// ```
/// use llm2api_core::auth::Claims;
///
/// let mut claims = Claims::new("code_1", "Ada", 1_790_000_000);
/// claims.expires = Some(1_800_000_000);
/// let json = serde_json::to_value(&claims).expect("plain values");
/// assert_eq!(json["sub"], "Ada");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Claims {
    /// The code's id, which is no secret.
    #[serde(rename = "jti")]
    pub id: String,
    /// Whom it was issued to.
    #[serde(rename = "sub")]
    pub holder: String,
    /// What he has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// When it was issued.
    #[serde(rename = "iat", deserialize_with = "date")]
    pub issued: u64,
    /// From when on it is good.
    #[serde(
        rename = "nbf",
        default,
        deserialize_with = "some_date",
        skip_serializing_if = "Option::is_none"
    )]
    pub not_before: Option<u64>,
    /// From when on it is good no more; never, where this is not set.
    #[serde(
        rename = "exp",
        default,
        deserialize_with = "some_date",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires: Option<u64>,
    /// How much the installation may use.
    #[serde(default, skip_serializing_if = "Allowance::is_unlimited")]
    pub limits: Allowance,
}

impl Claims {
    /// Names a code and its holder; it never expires and has no limits.
    pub fn new(id: impl Into<String>, holder: impl Into<String>, issued: u64) -> Self {
        Self {
            id: id.into(),
            holder: holder.into(),
            plan: None,
            issued,
            not_before: None,
            expires: None,
            limits: Allowance::default(),
        }
    }

    /// Says whether the code is good no more at `now`.
    pub fn is_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }
}

/// A NumericDate may have a fraction.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    seconds(&Number::deserialize(deserializer)?).ok_or_else(no_date)
}

fn some_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = Option::<Number>::deserialize(deserializer)?;
    number.map(|number| seconds(&number).ok_or_else(no_date)).transpose()
}

/// Cuts a fraction off; dates before 1970 and after all calendars are none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
pub(super) fn seconds(number: &Number) -> Option<u64> {
    let whole = number.as_u64().filter(|seconds| *seconds <= LAST_DATE);
    let in_range = |seconds: &f64| (0.0..253_402_300_800.0).contains(seconds);
    whole.or_else(|| number.as_f64().filter(in_range).map(|seconds| seconds as u64))
}

fn no_date<E: serde::de::Error>() -> E {
    E::custom("a date is no count of seconds since 1970")
}
