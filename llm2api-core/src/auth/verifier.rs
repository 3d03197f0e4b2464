//! How a code is verified: by its signature, by an authority, or by both.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::code::AuthCode;
use super::note;
use super::signed::{PublicKey, Refusal, verify};
use super::verify::{Denial, Grant, Question, Verdict, Verify};
use crate::error::{Error, ErrorKind, Result};

/// The longest an authority may take, from the look-up of its name to the last byte.
pub(super) const LONGEST_ANSWER: Duration = Duration::from_secs(5);

/// Verifies codes.
#[derive(Clone, Debug)]
pub(super) enum Verifier {
    /// By the signature, without any network.
    Signed(PublicKey),
    /// By what an authority says.
    Remote(Arc<dyn Verify>),
    /// By the signature, and if that is good by what an authority says.
    Both(PublicKey, Arc<dyn Verify>),
}

impl Verifier {
    /// Joins what there is.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where there is neither.
    pub(super) fn new(key: Option<PublicKey>, authority: Option<Arc<dyn Verify>>) -> Result<Self> {
        match (key, authority) {
            (Some(key), Some(authority)) => Ok(Self::Both(key, authority)),
            (Some(key), None) => Ok(Self::Signed(key)),
            (None, Some(authority)) => Ok(Self::Remote(authority)),
            (None, None) => {
                let message = "nobody can verify the authorisation code: give the URL of an \
                               authority, or its public key";
                Err(Error::new(ErrorKind::Configuration, "set up authorisation", message))
            }
        }
    }

    /// Names who verifies: what was found out counts for him alone.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Signed(key) => format!("key {key}"),
            Self::Remote(authority) => format!("authority {}", authority.name()),
            Self::Both(key, authority) => format!("key {key} authority {}", authority.name()),
        }
    }

    /// Verifies the signature of a code, where there is a key for that.
    pub(super) fn check_signature(&self, code: &str, now: u64) -> Result<(), Refusal> {
        match self {
            Self::Signed(key) | Self::Both(key, _) => verify(code, key, now).map(drop),
            Self::Remote(_) => Ok(()),
        }
    }

    /// Verifies the code of a question.
    pub(super) async fn verify(&self, question: &Question) -> Verdict {
        match self {
            Self::Signed(key) => match claims(key, question) {
                Ok(grant) => Verdict::Good(grant),
                Err(denial) => Verdict::Denied(denial),
            },
            Self::Remote(authority) => ask(&**authority, question).await,
            Self::Both(key, authority) => match claims(key, question) {
                Err(denial) => Verdict::Denied(denial),
                Ok(own) => match ask(&**authority, question).await {
                    Verdict::Good(grant) => Verdict::Good(grant.or(own)),
                    other => other,
                },
            },
        }
    }
}

fn claims(key: &PublicKey, question: &Question) -> Result<Grant, Denial> {
    let claims = verify(question.code.expose(), key, question.now);
    claims.map(|claims| Grant::of(&claims)).map_err(|refusal| Denial {
        expired: refusal.is_expiry(),
        reason: refusal.to_string(),
        note: None,
    })
}

async fn ask(authority: &dyn Verify, question: &Question) -> Verdict {
    let late = || Verdict::Unreachable("it did not answer within 5 s".to_owned());
    let verdict = timeout(LONGEST_ANSWER, authority.verify(question)).await;
    presentable(verdict.unwrap_or_else(|_| late()), &question.code)
}

/// Makes foreign words fit to be shown to operators.
fn presentable(verdict: Verdict, code: &AuthCode) -> Verdict {
    let clean = |text: Option<String>| text.and_then(|text| note::clean_of(&text, code));
    match verdict {
        Verdict::Good(grant) => Verdict::Good(Grant {
            holder: clean(grant.holder),
            plan: clean(grant.plan),
            note: clean(grant.note),
            ..grant
        }),
        Verdict::Denied(denial) => Verdict::Denied(Denial { note: clean(denial.note), ..denial }),
        Verdict::Unreachable(reason) => Verdict::Unreachable(reason),
    }
}
