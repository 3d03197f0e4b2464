//! Codes that prove themselves: a compact JWS, signed with Ed25519.
//!
//! Sources: RFC 7515 (JWS, compact serialisation), RFC 7519 (the claims), RFC 8037 (`EdDSA` with
//! Ed25519). What a header says never chooses how it is checked: one algorithm, one key.

mod file;
mod keys;
mod refusal;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::keys::{PrivateKey, PublicKey};
pub use self::refusal::Refusal;
use super::claims::Claims;
use super::code::{AuthCode, LONGEST};
use crate::error::{Error, ErrorKind, Result};

/// Clocks may differ so much where a code says from when on it is good.
const LEEWAY: u64 = 60;
/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
    /// The first hex digits of the public key's SHA-256, to tell a wrong key from a changed code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    /// Names what a reader must understand; we understand none of it.
    #[serde(default, skip_serializing)]
    crit: Option<Value>,
}

/// Signs what a code says.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] where the code would be longer than a verifier reads.
///
/// # Example
/// ```
/// use llm2api_core::auth::{Claims, PrivateKey, sign, verify};
///
/// let key = PrivateKey::random()?;
/// let claims = Claims::new("code_1", "Ada", 1_790_000_000);
/// let code = sign(&claims, &key)?;
/// assert_eq!(verify(code.expose(), &key.public_key(), 1_790_000_001), Ok(claims));
/// # Ok::<(), llm2api_core::Error>(())
/// ```
pub fn sign(claims: &Claims, key: &PrivateKey) -> Result<AuthCode> {
    let (typ, kid) = (Some("JWT".to_owned()), Some(key.public_key().id()));
    let header = Header { alg: "EdDSA".to_owned(), typ, kid, crit: None };
    let signed = format!("{}.{}", part(&header)?, part(claims)?);
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    let text = format!("{signed}.{signature}");
    if text.len() > LONGEST {
        let message = "the code would be too long: give a shorter holder and plan";
        return Err(Error::new(ErrorKind::InvalidRequest, "issue code", message));
    }
    AuthCode::new(&text)
}

/// Verifies a signed code at `now`, in seconds since 1970.
///
/// # Errors
/// Why it is refused.
pub fn verify(code: &str, key: &PublicKey, now: u64) -> Result<Claims, Refusal> {
    let claims = read(code, Some(key))?;
    if claims.not_before.is_some_and(|from| now.saturating_add(LEEWAY) < from) {
        return Err(Refusal::NotYetValid);
    }
    if claims.is_expired(now) { Err(Refusal::Expired) } else { Ok(claims) }
}

/// Reads what a code says. Without a key, nothing proves that it is true.
///
/// # Errors
/// Why it cannot be read, or why the signature does not fit.
pub fn read(code: &str, key: Option<&PublicKey>) -> Result<Claims, Refusal> {
    if code.len() > LONGEST {
        return Err(Refusal::TooLong);
    }
    let mut parts = code.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::NotSigned);
    };
    let fields: Header = unpack(header).ok_or(Refusal::Malformed)?;
    check_header(&fields, key)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Malformed)?;
    let signature: [u8; SIGNATURE] = signature.try_into().map_err(|_| Refusal::OtherCurve)?;
    let signed = &code[..header.len() + 1 + claims.len()];
    if key.is_some_and(|key| !key.verifies(signed.as_bytes(), &signature)) {
        return Err(if fields.kid.is_some() { Refusal::Changed } else { Refusal::WrongSignature });
    }
    unpack(claims).ok_or(Refusal::Malformed)
}

/// Says whether a text begins as a signed code does, whoever signed it: its first part names an
/// algorithm.
pub(super) fn is_code(text: &str) -> bool {
    let header = text.split_once('.').and_then(|(header, _)| unpack::<Value>(header));
    header.is_some_and(|header| header.get("alg").is_some())
}

fn check_header(header: &Header, key: Option<&PublicKey>) -> Result<(), Refusal> {
    if header.alg != "EdDSA" {
        return Err(Refusal::Algorithm);
    }
    if header.crit.is_some() {
        return Err(Refusal::Critical);
    }
    let other = |key: &PublicKey| header.kid.as_ref().is_some_and(|kid| *kid != key.id());
    if key.is_some_and(other) { Err(Refusal::OtherKey) } else { Ok(()) }
}

fn part(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_vec(value).map_err(|error| {
        Error::new(ErrorKind::Internal, "issue code", "the claims are no JSON").with_source(error)
    })?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

fn unpack<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
}
