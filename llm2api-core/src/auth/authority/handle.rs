//! The authority itself.

use std::sync::Arc;

use subtle::{Choice, ConstantTimeEq};

use super::super::claims::Claims;
use super::super::code::AuthCode;
use super::super::signed::{PrivateKey, PublicKey, Refusal, read, sign, verify};
use super::checked::Checked;
use super::id::check_id;
use super::new::NewCode;
use super::opaque::{Shown, random_code};
use super::record::{IssuedCode, Record};
use crate::clock::{unix_millis, unix_seconds};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{AuditEntry, RecordChange, Records, Store, Swapped};

/// Where codes stand in a store.
const COLLECTION: &str = "auth_code";
/// A record that changes more often while it is read is not of this program.
const MOST_TRIES: usize = 16;

/// Issues, revokes and checks authorisation codes over a store. Cloning is cheap.
///
/// Several may share a store: all of them know what one has done. Each act that changes something
/// leaves an entry in the store's log.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use std::sync::Arc;
/// use llm2api_core::auth::{Authority, CodeState, NewCode};
/// use llm2api_core::store::MemoryStore;
///
/// let authority = Authority::new(Arc::new(MemoryStore::default()), None);
/// let (issued, code) = authority.issue(NewCode::new("Ada"), false, "cli").await?;
/// let now = issued.claims.issued;
/// assert!(authority.check(code.expose(), now).await?.is_valid());
///
/// authority.revoke(&issued.claims.id, "cli").await?;
/// assert_eq!(authority.check(code.expose(), now).await?.state, CodeState::Revoked);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Authority {
    store: Arc<dyn Store>,
    key: Option<Arc<PrivateKey>>,
}

/// What came of revoking a code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// The code, as it now is.
    pub code: IssuedCode,
    /// Whether it was revoked by this call; not where it had been before.
    pub is_new: bool,
}

impl Authority {
    /// Makes one over a store; with a key it signs codes and knows what the key has signed.
    pub fn new(store: Arc<dyn Store>, key: Option<PrivateKey>) -> Self {
        Self { store, key: key.map(Arc::new) }
    }

    /// Says whether it can sign.
    pub fn can_sign(&self) -> bool {
        self.key.is_some()
    }

    /// Issues a code, and notes `actor` in the log. The code is told this once.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for what [`NewCode::into_claims`] refuses, and for a signed
    /// code without a key; [`ErrorKind::Store`] where it cannot be kept.
    pub async fn issue(
        &self,
        wanted: NewCode,
        signed: bool,
        actor: &str,
    ) -> Result<(IssuedCode, AuthCode)> {
        let claims = wanted.into_claims(unix_seconds())?;
        let (record, code) = match signed {
            true => {
                let code = sign(&claims, self.signing_key()?)?;
                (Record::signed(claims), code)
            }
            false => {
                let (code, hash) = random_code(&claims.id)?;
                (Record::opaque(claims, hash), code)
            }
        };
        let text = record.text();
        match self.change(&record.claims.id, None, text.clone(), "code.issue", actor).await? {
            // A change may be made although nobody heard of it, and then be tried again.
            Swapped::Other(kept) if kept != text => Err(crossed("issue code")),
            _ => Ok((record.into_issued(), code)),
        }
    }

    /// Revokes a code for ever, and notes `actor` in the log. Revoking it again changes nothing.
    ///
    /// A signed code may have been issued elsewhere: an id that the store does not know is kept as
    /// [unrecorded](super::CodeKind::Unrecorded), and a code that has it is refused from then on.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for what is no id, above all for a code in its place, of which
    /// nothing is kept then; [`ErrorKind::Store`].
    pub async fn revoke(&self, id: &str, actor: &str) -> Result<Revoked> {
        check_id(id)?;
        let mut kept = self.records()?.record(COLLECTION, id).await?;
        for _ in 0..MOST_TRIES {
            let now = unix_seconds();
            let known = kept.as_deref().map(Record::read).transpose()?;
            let mut record = known.unwrap_or_else(|| Record::tombstone(id, now));
            if kept.is_some() && record.revoked.is_some() {
                return Ok(Revoked { code: record.into_issued(), is_new: false });
            }
            record.revoked = Some(now);
            match self.change(id, kept, record.text(), "code.revoke", actor).await? {
                Swapped::Done => return Ok(Revoked { code: record.into_issued(), is_new: true }),
                Swapped::Other(text) => kept = Some(text),
                Swapped::Missing => kept = None,
            }
        }
        Err(crossed("revoke code"))
    }

    /// Returns every code that the store knows, the oldest first.
    ///
    /// A record that cannot be read, such as one of a newer version, is left out and logged.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] where the store cannot be asked.
    pub async fn list(&self) -> Result<Vec<IssuedCode>> {
        let listing = self.records()?.records(COLLECTION, None).await?;
        let records = listing.map(|listing| listing.records).unwrap_or_default();
        let mut codes: Vec<_> = records.iter().filter_map(readable).collect();
        let age = |code: &IssuedCode| (code.claims.issued, code.claims.id.clone());
        codes.sort_by_cached_key(age);
        Ok(codes)
    }

    /// Returns a code that the store knows.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn find(&self, id: &str) -> Result<Option<IssuedCode>> {
        let kept = self.records()?.record(COLLECTION, id).await?;
        Ok(kept.as_deref().map(Record::read).transpose()?.map(Record::into_issued))
    }

    /// Returns the last `limit` entries of the store's log, the newest first.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn audit_log(&self, limit: usize) -> Result<Vec<AuditEntry>> {
        self.records()?.audit_log(limit).await
    }

    /// Says what a code is worth at `now`, in seconds since 1970, to whoever shows it.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] where the store cannot be asked; [`ErrorKind::AuthUnverified`] with code
    /// `authority_without_key` for what may be a signed code, where there is no key: nobody can say
    /// then whether it is good.
    pub async fn check(&self, code: &str, now: u64) -> Result<Checked> {
        let code = code.trim();
        match code.contains('.') {
            true => self.check_signed(code, now).await,
            false => self.check_opaque(code, now).await,
        }
    }

    /// Whatever the text is, a record is looked up and read, and two hashes are compared: neither
    /// the answer nor its time says which ids there are.
    async fn check_opaque(&self, code: &str, now: u64) -> Result<Checked> {
        let shown = Shown::read(code);
        let kept = self.records()?.record(COLLECTION, shown.id).await?;
        let record = Record::read_or_nobody(kept.as_deref())?;
        let is_known = Choice::from(u8::from(kept.is_some()));
        let fits = is_known & record.hash().as_bytes().ct_eq(shown.hash().as_bytes());
        match bool::from(fits) {
            true => Ok(Checked::of(record.claims, record.revoked, now)),
            false => Ok(Checked::invalid()),
        }
    }

    async fn check_signed(&self, code: &str, now: u64) -> Result<Checked> {
        let key = self.key.as_ref().ok_or_else(without_key)?.public_key();
        let Some(claims) = genuine(code, &key, now) else { return Ok(Checked::invalid()) };
        let kept = self.records()?.record(COLLECTION, &claims.id).await?;
        let record = kept.as_deref().map(Record::read).transpose()?;
        Ok(Checked::of(claims, record.and_then(|record| record.revoked), now))
    }

    fn signing_key(&self) -> Result<&PrivateKey> {
        self.key.as_deref().ok_or_else(|| {
            let message = "this authority has no key to sign with: start it with \
                           `--private-key-file`, or ask for a code that is not signed";
            let error = Error::new(ErrorKind::InvalidRequest, "issue code", message);
            error.with_code("no_signing_key").with_param("signed")
        })
    }

    fn records(&self) -> Result<&dyn Records> {
        self.store.records().ok_or_else(|| {
            let message = "this store keeps no codes: use another";
            Error::new(ErrorKind::Configuration, "keep codes", message)
        })
    }

    async fn change(
        &self,
        id: &str,
        expected: Option<String>,
        text: String,
        act: &str,
        actor: &str,
    ) -> Result<Swapped> {
        let audit = AuditEntry {
            at: unix_millis(),
            actor: actor.to_owned(),
            act: act.to_owned(),
            subject: id.to_owned(),
        };
        let id = id.to_owned();
        let change = RecordChange { collection: COLLECTION, id, expected, text, audit };
        self.records()?.change_record(&change).await
    }
}

/// Reads what a code says that was signed with our key, whether it is good now or not.
fn genuine(code: &str, key: &PublicKey, now: u64) -> Option<Claims> {
    match verify(code, key, now) {
        Ok(claims) => Some(claims),
        Err(Refusal::Expired | Refusal::NotYetValid) => read(code, Some(key)).ok(),
        Err(_) => None,
    }
}

/// The same for every text, so that it tells nothing of any.
fn without_key() -> Error {
    let message = "this authority has no key to verify signed codes with: start it with \
                   `--private-key-file`";
    let error = Error::new(ErrorKind::AuthUnverified, "check code", message);
    error.with_code("authority_without_key")
}

fn readable((id, text): &(String, String)) -> Option<IssuedCode> {
    let read = Record::read(text).map(Record::into_issued);
    read.inspect_err(|error| tracing::warn!(id, %error, "a code is left out of the list")).ok()
}

fn crossed(operation: &'static str) -> Error {
    let message = "the store's record of the code changed meanwhile: try again";
    Error::new(ErrorKind::Store, operation, message)
}
