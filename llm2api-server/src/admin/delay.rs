//! Wrong keys cost time, more with each; the right one never waits.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(100);
/// What wrong keys of a kind cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Price {
    /// The most that one costs.
    longest: Duration,
    /// Nobody waits longer than this for his turn to be told.
    turn: Duration,
}

/// The operator's key is typed by people.
pub(crate) const OPERATOR: Price =
    Price { longest: Duration::from_secs(2), turn: Duration::from_secs(30) };
/// Clients are programs, and one with an old key calls again and again.
pub(crate) const CLIENT: Price =
    Price { longest: Duration::from_millis(200), turn: Duration::from_secs(2) };
/// One wrong key is forgotten after each of these.
const FORGET: Duration = Duration::from_secs(10);
/// More are not held against anybody, so that a minute and a half of peace is enough.
const MOST_STRIKES: u32 = 8;
const MOST_PEERS: usize = 4096;

/// How often each address was wrong of late.
#[derive(Debug, Default)]
pub(crate) struct Delays {
    peers: Mutex<HashMap<IpAddr, Strikes>>,
}

#[derive(Clone, Copy, Debug)]
struct Strikes {
    count: u32,
    last: Instant,
    /// When the answer to the last of its wrong keys is told.
    told: Instant,
}

impl Delays {
    /// Notes a wrong key and returns when that may be told. The wrong keys of one address wait for
    /// each other, so that sending many at once wins nothing.
    pub(crate) fn strike(&self, peer: IpAddr, now: Instant, price: Price) -> Duration {
        let peer = network(peer);
        // Nothing panics while it holds the lock.
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = peers.get(&peer);
        let before = known.map_or(0, |strikes| strikes.left(now));
        let turn = known.map_or(now, |strikes| strikes.told.max(now));
        let told = (turn + cost(before).min(price.longest)).min(now + price.turn);
        if peers.len() >= MOST_PEERS && !peers.contains_key(&peer) {
            make_room(&mut peers, now);
        }
        let count = (before + 1).min(MOST_STRIKES);
        peers.insert(peer, Strikes { count, last: now, told });
        told - now
    }
}

impl Strikes {
    fn left(self, now: Instant) -> u32 {
        let periods = now.saturating_duration_since(self.last).as_secs() / FORGET.as_secs();
        self.count.saturating_sub(u32::try_from(periods).unwrap_or(u32::MAX))
    }
}

fn cost(strikes_before: u32) -> Duration {
    FIRST.saturating_mul(1 << strikes_before.min(MOST_STRIKES))
}

/// Lets go of who is forgiven, and of the one who has been quiet longest if nobody is.
fn make_room(peers: &mut HashMap<IpAddr, Strikes>, now: Instant) {
    peers.retain(|_, strikes| strikes.left(now) > 0);
    if peers.len() < MOST_PEERS {
        return;
    }
    let oldest = peers.iter().min_by_key(|(_, strikes)| strikes.last).map(|(peer, _)| *peer);
    if let Some(oldest) = oldest {
        peers.remove(&oldest);
    }
}

/// Whoever has one IPv6 address has the 2^64 beside it.
pub(crate) fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(at: u32) -> IpAddr {
        IpAddr::V4(at.into())
    }

    #[test]
    fn each_wrong_key_costs_more_up_to_an_end_and_is_forgotten() {
        let (delays, now) = (Delays::default(), Instant::now());
        let millis = |now| delays.strike(peer(1), now, OPERATOR).as_millis();
        let costs: Vec<_> = (0..7).map(|_| millis(now)).collect();
        assert_eq!(costs, [100, 300, 700, 1500, 3100, 5100, 7100], "each waits for those before");
        assert_eq!(delays.strike(peer(2), now, OPERATOR).as_millis(), 100, "another address");
        assert_eq!(millis(now + FORGET * 5), 400, "five of seven are forgotten");
        assert_eq!(millis(now + FORGET * 60), 100);
        let many: Vec<_> = (0..100).map(|_| millis(now + FORGET * 60)).collect();
        assert_eq!(delays.strike(peer(3), now, CLIENT).as_millis(), 100);
        assert_eq!(delays.strike(peer(3), now, CLIENT).as_millis(), 300);
        assert_eq!(delays.strike(peer(3), now, CLIENT).as_millis(), 500);
        assert_eq!(many.last(), Some(&OPERATOR.turn.as_millis()), "and not for ever");
    }

    #[test]
    fn neighbours_in_ipv6_are_one() {
        let (delays, now) = (Delays::default(), Instant::now());
        for (text, expected) in
            [("2001:db8::1", 100), ("2001:db8::ffff:2", 300), ("2001:db9::1", 100)]
        {
            let cost = delays.strike(text.parse().expect("an address"), now, OPERATOR);
            assert_eq!(cost.as_millis(), expected, "{text}");
        }
    }

    #[test]
    fn memory_has_an_end() {
        let (delays, now) = (Delays::default(), Instant::now());
        for at in 0..10_000 {
            delays.strike(peer(at), now + Duration::from_micros(at.into()), OPERATOR);
        }
        assert_eq!(delays.peers.lock().expect("no panic").len(), MOST_PEERS);
    }
}
