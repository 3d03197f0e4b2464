//! Why a signed code is refused.

use std::fmt;

/// Why a signed code is refused. `Display` is the sentence for people, and repeats nothing of the
/// code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It is longer than any code.
    TooLong,
    /// It is no signed code.
    NotSigned,
    /// Its parts cannot be read.
    Malformed,
    /// It names another algorithm than EdDSA, or none.
    Algorithm,
    /// Its signature is of another curve than Ed25519.
    OtherCurve,
    /// It demands that something be understood that is not.
    Critical,
    /// It was signed with another key.
    OtherKey,
    /// It was changed after it was signed.
    Changed,
    /// Its signature does not fit, and it does not say with which key it was made.
    WrongSignature,
    /// It is not good yet.
    NotYetValid,
    /// It is good no more.
    Expired,
}

impl Refusal {
    /// Says whether the code was good once.
    pub fn is_expiry(self) -> bool {
        self == Self::Expired
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "it is longer than 8192 bytes, and no code is: pass on the code alone",
            Self::NotSigned => "it is no signed code, which has three parts with dots between them",
            Self::Malformed => "its parts cannot be read: copy the code whole",
            Self::Algorithm => {
                "it is not signed with EdDSA, the only algorithm that is taken: ask for another"
            }
            Self::OtherCurve => {
                "its signature is not of the curve Ed25519, the only one that is taken: ask for \
                 another code"
            }
            Self::Critical => "it demands an extension (`crit`) that this version does not know",
            Self::OtherKey => {
                "it was signed with another key than that of the given public key: check which \
                 authority the public key is of"
            }
            Self::Changed => "it was changed after it was signed: copy the code whole",
            Self::WrongSignature => {
                "its signature does not fit the public key: the code was changed, or another key \
                 has signed it"
            }
            Self::NotYetValid => "it is not valid yet: check this machine's clock, or wait",
            Self::Expired => "it has expired: ask for a new one",
        })
    }
}

impl std::error::Error for Refusal {}
