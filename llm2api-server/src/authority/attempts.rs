//! How many wrong codes an address may show; right ones are never counted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::admin::network;

/// One more wrong code is allowed after each of these.
const EVERY: Duration = Duration::from_secs(6);
/// So many may come at once.
const AT_ONCE: u32 = 10;
const MOST_PEERS: usize = 4096;

/// The wrong codes of each address, as a leaky bucket: the instant at which it is empty again.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    peers: Mutex<HashMap<IpAddr, Instant>>,
}

impl Attempts {
    /// Counts a wrong code.
    ///
    /// # Errors
    /// How long to wait, where there were too many; this one is not counted then.
    pub(super) fn count(&self, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        let peer = network(peer);
        // Nothing panics while it holds the lock.
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = peers.get(&peer).map_or(now, |empty| now.max(*empty)) + EVERY;
        let over = (empty - now).saturating_sub(EVERY * AT_ONCE);
        if !over.is_zero() {
            return Err(over);
        }
        if peers.len() >= MOST_PEERS {
            make_room(&mut peers, now);
        }
        peers.insert(peer, empty);
        Ok(())
    }
}

/// Lets go of whose bucket is empty, and of the one that is soonest if none is.
fn make_room(peers: &mut HashMap<IpAddr, Instant>, now: Instant) {
    peers.retain(|_, empty| *empty > now);
    let soonest = peers.iter().min_by_key(|(_, empty)| **empty).map(|(peer, _)| *peer);
    if let Some(soonest) = soonest.filter(|_| peers.len() >= MOST_PEERS) {
        peers.remove(&soonest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(at: u32) -> IpAddr {
        IpAddr::V4(at.into())
    }

    #[test]
    fn ten_at_once_then_one_every_six_seconds() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        for _ in 0..AT_ONCE {
            assert_eq!(attempts.count(peer(1), start), Ok(()));
        }
        assert_eq!(attempts.count(peer(1), start), Err(EVERY));
        assert_eq!(attempts.count(peer(1), start), Err(EVERY), "what is refused is not counted");
        assert_eq!(attempts.count(peer(2), start), Ok(()), "another address");
        let (second, rest) = (Duration::from_secs(1), Duration::from_secs(5));
        assert_eq!(attempts.count(peer(1), start + second), Err(rest));
        assert_eq!(attempts.count(peer(1), start + EVERY), Ok(()));
        assert_eq!(attempts.count(peer(1), start + EVERY), Err(EVERY));
        for _ in 0..AT_ONCE {
            assert_eq!(attempts.count(peer(1), start + 100 * EVERY), Ok(()), "all is forgotten");
        }
    }

    #[test]
    fn many_addresses_take_no_more_than_so_much_memory() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for at in 0..2 * u32::try_from(MOST_PEERS).expect("small") {
            assert_eq!(attempts.count(peer(at), now), Ok(()));
        }
        assert_eq!(attempts.peers.lock().expect("nobody panicked").len(), MOST_PEERS);
    }
}
