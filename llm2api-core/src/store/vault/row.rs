//! Rows from records, and records from rows.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::{Inserted, KeyId, Keyring, Row, Sealed};
use super::{Inner, Vault, material};
use crate::credential::{Credential, CredentialId, Record};
use crate::error::{Error, ErrorKind, Result};

impl Vault {
    /// Seals a record under the store's current key.
    pub(super) async fn seal(&self, record: &Record) -> Result<Row> {
        let key = self.current_key().await?;
        let credential = &record.credential;
        let plain = material::encode(credential.material());
        if material::decode(&plain).as_ref() != Some(credential.material()) {
            let message = "the credential would not be the same after it was kept";
            let error = Error::new(ErrorKind::InvalidRequest, "keep credential", message);
            return Err(error.with_code("invalid_cookie"));
        }
        let fingerprint = self.fingerprint(credential.upstream(), credential.material());
        Ok(Row {
            id: credential.id().clone(),
            upstream: credential.upstream().to_string(),
            fingerprint: fingerprint.full().to_owned(),
            account: record.profile.account_id.clone(),
            sealed: self.inner.keyring.seal(&key, &name(credential.id()), &plain)?,
            profile: to_json(&record.profile)?,
            health: to_json(&record.health)?,
        })
    }

    /// Seals a row again where a rotation went by between the look at the key and the write.
    ///
    /// Rotation keeps the key before the current one, so that the row opens either way: a failure
    /// here is none of the caller's business.
    pub(super) async fn follow_rotation(&self, row: &Row, inserted: &Inserted) {
        if *inserted != Inserted::New {
            return;
        }
        let followed = match self.current_key().await {
            Ok(key) if key == row.sealed.key => return,
            Ok(key) => self.reseal(row, &key).await.map(|_| ()),
            Err(error) => Err(error),
        };
        if let Err(error) = followed {
            tracing::warn!(credential = %row.id, %error, "a secret stays under an older key");
        }
    }

    /// Seals a row under another key; says whether it was still the same, or none if it does not
    /// open.
    pub(super) async fn reseal(&self, row: &Row, key: &KeyId) -> Result<Option<bool>> {
        let Inner { store, keyring, .. } = &*self.inner;
        let name = name(&row.id);
        let Some(plain) = keyring.open(&name, &row.sealed) else { return Ok(None) };
        let sealed = keyring.seal(key, &name, &plain)?;
        store.reseal(&row.id, &row.sealed, &sealed).await.map(Some)
    }
}

/// Opens a row; none if its secret was changed or moved, or if its key is lost.
pub(super) fn open(keyring: &Keyring, row: &Row) -> Option<Record> {
    let plain = keyring.open(&name(&row.id), &row.sealed)?;
    let material = material::decode(&plain)?;
    let credential = Credential::with_id(row.id.clone(), row.upstream.as_str(), material);
    let profile = from_json(&row.id, "profile", &row.profile);
    Some(Record::new(credential, profile, from_json(&row.id, "health", &row.health)))
}

/// Tells the operator about a row that does not open.
pub(super) fn report(row: &Row) {
    let Sealed { key, .. } = &row.sealed;
    tracing::error!(
        credential = %row.id,
        key = %key,
        "a stored credential does not open: its key is lost, or the store was changed from \
         outside; replace its secret or remove it"
    );
}

/// Writes what is kept as JSON.
pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        let message = "what is known about a credential does not become JSON";
        Error::new(ErrorKind::Internal, "keep credential", message).with_source(error)
    })
}

/// Reads what is kept as JSON; a secret is worth more than what is known about it.
pub(super) fn from_json<T: DeserializeOwned + Default>(
    id: &CredentialId,
    what: &'static str,
    text: &str,
) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| {
        tracing::warn!(credential = %id, what, %error, "stored JSON is broken: starting anew");
        T::default()
    })
}

/// What a credential's secret is tied to.
fn name(id: &CredentialId) -> String {
    format!("credential {id}")
}
