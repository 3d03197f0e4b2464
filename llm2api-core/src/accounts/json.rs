//! Accounts as JSON, as `GET /cookies` of the server shows them.

use std::time::SystemTime;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::model::Verdict;
use crate::clock::seconds_of;

/// Writes seconds since 1970.
pub(super) fn seconds<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(seconds_of(*time))
}

/// Writes seconds since 1970; null where unknown.
#[expect(clippy::ref_option, reason = "serde hands fields over so")]
pub(super) fn some_seconds<S: Serializer>(
    time: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(seconds_of).serialize(serializer)
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Verdict", 2)?;
        fields.serialize_field("verdict", self.as_str())?;
        fields.serialize_field("message", &self.message())?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use crate::accounts::{AccountState, AccountStatus, Added, Checked, Verdict};
    use crate::credential::CredentialId;

    fn account() -> AccountStatus {
        let date = |seconds: u64| UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 999);
        AccountStatus {
            id: CredentialId::from_text("cred_1"),
            label: "Ann".into(),
            upstream: "team-chat".into(),
            fingerprint: "0a1b2c3d".into(),
            state: AccountState::Cooling,
            reason: Some("rate limited".into()),
            until: Some(date(1_700_000_000)),
            account: None,
            proven: true,
            in_flight: 1,
            max_concurrency: 4,
            weight: 1,
            requests: 7,
            failures: 2,
            last_error: None,
            last_used: Some(date(1_699_999_999)),
            last_checked: None,
            created: date(1_600_000_000),
        }
    }

    #[test]
    fn an_account_is_flat_json() {
        let json = |verdict| {
            let checked = Checked { account: account(), verdict };
            serde_json::to_string(&checked).expect("is JSON")
        };
        let verdicts =
            [Verdict::Valid, Verdict::Invalid("no".into()), Verdict::Unknown("?".into())];
        let added = [Some("not proven"), None].map(|note| Added { account: account(), note });
        let added = added.map(|added| serde_json::to_string(&added).expect("is JSON"));
        insta::assert_snapshot!(
            verdicts.map(json).iter().chain(&added).cloned().collect::<Vec<_>>().join("\n")
        );
    }

    #[test]
    fn a_state_has_one_name() {
        for state in [
            AccountState::Active,
            AccountState::Cooling,
            AccountState::HalfOpen,
            AccountState::Invalid,
            AccountState::Disabled,
        ] {
            assert_eq!(serde_json::json!(state), state.as_str());
        }
    }
}
