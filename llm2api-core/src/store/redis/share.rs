//! What each server may use while the store cannot be asked: together they keep to the limits.

use super::super::Ask;

/// This server among all that were there when the store was last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rank {
    /// Its number, from 0.
    pub(super) number: u64,
    /// How many there are, at least 1.
    pub(super) of: u64,
}

impl Rank {
    /// Finds a server among those that live; one that is missing there counts as well.
    pub(super) fn of(server: &str, living: &[String]) -> Self {
        let before = living.iter().filter(|other| other.as_str() < server).count();
        let others = living.iter().filter(|other| other.as_str() != server).count();
        Self { number: before as u64, of: others as u64 + 1 }
    }
}

/// Returns how many places of a credential this server may use.
///
/// The places of an upstream are numbered through and dealt out in turn, so that no place is used
/// twice. Where there are fewer places than servers, each server may use one: to serve is worth
/// more than the limit.
pub(super) fn places(ask: &Ask, rank: Rank) -> u32 {
    let (first, all) = (ask.places_before, ask.places_in_all);
    let dealt = |until: u64| (until + rank.of - 1 - rank.number) / rank.of;
    let own = dealt(first + u64::from(ask.limit)) - dealt(first);
    let own = u32::try_from(own).unwrap_or(ask.limit);
    if all < rank.of { own.max(1) } else { own }
}

/// Returns how many calls this server may begin in any minute; 0 for no limit.
pub(super) fn per_minute(ask: &Ask, rank: Rank) -> u32 {
    let servers = u32::try_from(rank.of).unwrap_or(u32::MAX);
    if ask.per_minute == 0 { 0 } else { (ask.per_minute / servers).max(1) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::credential::CredentialId;

    fn ask(limit: u32, before: u64, all: u64) -> Ask {
        let mut ask = Ask::new(CredentialId::from_text("cred_1"), limit);
        (ask.places_before, ask.places_in_all) = (before, all);
        ask
    }

    proptest! {
        #[test]
        fn every_place_is_dealt_out_once(
            limits in proptest::collection::vec(1_u32..6, 1..12),
            servers in 1_u64..9,
        ) {
            let all: u64 = limits.iter().map(|limit| u64::from(*limit)).sum();
            prop_assume!(all >= servers);
            let mut own = vec![0_u64; usize::try_from(servers).expect("is small")];
            let mut before = 0;
            for limit in limits {
                let ask = ask(limit, before, all);
                let rank = |number| Rank { number, of: servers };
                let shares: Vec<_> = (0..servers).map(|at| places(&ask, rank(at))).collect();
                prop_assert_eq!(shares.iter().sum::<u32>(), limit);
                own.iter_mut().zip(shares).for_each(|(own, share)| *own += u64::from(share));
                before += u64::from(limit);
            }
            let (least, most) = (own.iter().min(), own.iter().max());
            prop_assert!(most <= least.map(|least| least + 1).as_ref(), "{:?}", own);
        }
    }

    #[test]
    fn with_fewer_places_than_servers_each_may_use_one() {
        let shares = (0..3).map(|number| places(&ask(1, 0, 1), Rank { number, of: 3 }));
        assert_eq!(shares.collect::<Vec<_>>(), [1, 1, 1]);
    }

    #[test]
    fn a_server_finds_its_place_among_those_that_live() {
        let living = ["a".to_owned(), "c".to_owned()];
        assert_eq!(Rank::of("a", &living), Rank { number: 0, of: 2 });
        assert_eq!(Rank::of("b", &living), Rank { number: 1, of: 3 }, "it is not listed yet");
        assert_eq!(Rank::of("c", &living), Rank { number: 1, of: 2 });
        assert_eq!(Rank::of("a", &[]), Rank { number: 0, of: 1 });
    }

    #[test]
    fn the_minute_is_shared_too() {
        let rank = Rank { number: 2, of: 3 };
        let per_minute = |calls| {
            let mut ask = ask(1, 0, 9);
            ask.per_minute = calls;
            super::per_minute(&ask, rank)
        };
        assert_eq!([0, 1, 9, 10].map(per_minute), [0, 1, 3, 3]);
    }
}
