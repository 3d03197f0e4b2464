//! How many credentials there are and how they stand, for those who watch: read often, so it costs
//! little and holds up no call.

use std::sync::Arc;

use tokio::time::Instant;

use super::Pool;
use super::group::Group;
use crate::credential::{CredentialId, HealthState};

/// How many credentials of an upstream may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpstreamCensus {
    /// The upstream's name.
    pub upstream: Arc<str>,
    /// Credentials that neither rest nor are out; busy ones are among them.
    pub usable: usize,
    /// All of its credentials.
    pub total: usize,
    /// The upstream itself is out: its credentials wait for it, whatever they are.
    pub is_out: bool,
}

/// Where one credential stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialState {
    /// The credential's id.
    pub id: CredentialId,
    /// The upstream that knows it.
    pub upstream: Arc<str>,
    /// Where it stands.
    pub state: HealthState,
}

impl Pool {
    /// Counts the credentials of each upstream, by name, without a lock on any of them: fit for
    /// health checks of a pool of thousands.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// use llm2api_core::Credential;
    /// use llm2api_core::pool::{Member, Pool, PoolRules};
    ///
    /// let pool = Pool::new(PoolRules::default(), Duration::from_secs(30));
    /// pool.add([Member::new(Credential::anonymous("local"))]);
    /// let census = pool.census();
    /// assert_eq!((&*census[0].upstream, census[0].usable, census[0].total), ("local", 1, 1));
    /// ```
    pub fn census(&self) -> Vec<UpstreamCensus> {
        let now = Instant::now();
        let count = |group: Arc<Group>| {
            let members = group.members();
            let entries = members.entries.iter();
            UpstreamCensus {
                upstream: group.name.clone(),
                usable: entries.filter(|entry| entry.may_be_used(now)).count(),
                total: members.entries.len(),
                is_out: group.outage(now).is_some(),
            }
        };
        self.open_groups().into_iter().map(count).collect()
    }

    /// Returns where each credential stands, those of one upstream together, upstreams by name.
    pub fn states(&self) -> Vec<CredentialState> {
        let now = Instant::now();
        let mut states = Vec::new();
        for group in self.open_groups() {
            // A steady view: whoever adds or removes meanwhile waits for nothing.
            states.extend(group.members().entries.iter().map(|entry| CredentialState {
                id: entry.credential.id().clone(),
                upstream: group.name.clone(),
                state: entry.standing(now).0,
            }));
        }
        states
    }

    fn open_groups(&self) -> Vec<Arc<Group>> {
        let mut groups = self.shared.all_groups();
        groups.retain(|group| group.is_open());
        groups.sort_by(|one, other| one.name.cmp(&other.name));
        groups
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Member, PoolRules};
    use super::*;
    use crate::credential::{Credential, Signal};

    #[tokio::test(start_paused = true)]
    async fn who_rests_is_not_usable_until_the_rest_is_over() {
        let pool = Pool::new(PoolRules::default(), Duration::from_secs(30));
        let credentials = ["b", "a", "a"].map(Credential::anonymous);
        pool.add(credentials.iter().cloned().map(Member::new));
        let signal = Signal::Limited { named: None, default: None, reason: "rate_limited" };
        pool.learn(credentials[1].id(), &signal);
        pool.set_enabled(credentials[0].id(), false);
        let usable = || -> Vec<_> {
            pool.census().into_iter().map(|of| (of.upstream.to_string(), of.usable)).collect()
        };
        assert_eq!(usable(), [("a".to_owned(), 1), ("b".to_owned(), 0)]);
        let states: Vec<_> = pool.states().into_iter().map(|of| of.state).collect();
        assert_eq!(states, [HealthState::Cooling, HealthState::Active, HealthState::Disabled]);
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(usable()[0].1, 2, "it may be tried again");
    }
}
