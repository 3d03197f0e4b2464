//! Which accounts have changed since when.

use std::collections::HashMap;

/// Changed accounts of one event; the rest comes with the next.
const MOST: usize = 200;
/// Looks for which it is known what was removed: ten minutes. A tab that reads nothing for so long
/// has lost its connection.
const REMEMBERED: u64 = 600;

/// What tabs are told of the accounts, and since when it is so: a tab that knows all up to some look
/// is told what came later.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    known: HashMap<String, Known>,
    /// Accounts that are gone, each with the look that found it so.
    removed: Vec<(u64, String)>,
    /// The last look.
    look: u64,
    /// Where the next one begins, so that accounts that change all the time keep no other waiting.
    from: usize,
}

#[derive(Debug)]
struct Known {
    /// What the account looks like, in short.
    print: u64,
    /// The look that found it so.
    changed: u64,
    /// The last look that has seen it.
    seen: u64,
}

/// What a tab is told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Delta {
    /// Accounts that are new, or not as they were.
    pub(super) changed: Vec<String>,
    pub(super) removed: Vec<String>,
    /// The look up to which this tells all.
    pub(super) upto: u64,
}

impl Delta {
    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.removed.is_empty()
    }
}

impl Accounts {
    /// Takes up what the accounts look like, by their ids: all of them at first, and later as many
    /// changes as an event holds.
    pub(super) fn look(&mut self, look: u64, all: &[(&str, u64)]) {
        // Tabs that come with the first look fetch the list themselves.
        let mut room = if self.look == 0 { usize::MAX } else { MOST };
        let from = self.from.min(all.len());
        let (before, behind) = all.split_at(from);
        let mut next = 0;
        for (place, (id, print)) in behind.iter().chain(before).enumerate() {
            if self.take(look, id, *print, room > 0) {
                room -= 1;
                next = (from + place + 1) % all.len();
            }
        }
        self.from = if room == 0 { next } else { 0 };
        self.look = look;
        self.forget();
    }

    /// Takes up one, unless it has changed and there is no room for that; says whether it has taken
    /// room.
    fn take(&mut self, look: u64, id: &str, print: u64, has_room: bool) -> bool {
        let as_it_is = Known { print, changed: look, seen: look };
        match self.known.get_mut(id) {
            Some(known) if known.print == print || !has_room => known.seen = look,
            Some(known) => {
                *known = as_it_is;
                return true;
            }
            None if has_room => {
                self.known.insert(id.to_owned(), as_it_is);
                return true;
            }
            None => {}
        }
        false
    }

    /// Notes which accounts were not seen any more.
    fn forget(&mut self) {
        let look = self.look;
        self.removed.retain(|(at, _)| at + REMEMBERED > look);
        let gone = self.known.extract_if(|_, known| known.seen != look);
        self.removed.extend(gone.map(|(id, _)| (look, id)));
    }

    /// Says what has changed since a look: at most as much as an event holds, from the oldest on.
    pub(super) fn since(&self, look: u64) -> Delta {
        let later = self.known.iter().filter(|(_, known)| known.changed > look);
        let mut changed: Vec<_> = later.map(|(id, known)| (known.changed, id.clone())).collect();
        changed.sort_unstable();
        let mut upto = self.look;
        // Whole looks only: what is told up to some look must be all.
        if let Some((first_left_out, _)) = changed.get(MOST) {
            upto = first_left_out - 1;
        }
        let told = |list: &mut dyn Iterator<Item = (u64, String)>| -> Vec<String> {
            list.filter(|(at, _)| *at <= upto).map(|(_, id)| id).collect()
        };
        // What has come back is told as it is now, and not that it was gone.
        let gone = |(at, id): &&(u64, String)| *at > look && !self.known.contains_key(id);
        let mut removed = self.removed.iter().filter(gone).cloned();
        Delta { changed: told(&mut changed.into_iter()), removed: told(&mut removed), upto }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(count: u64, print: u64) -> Vec<(String, u64)> {
        (0..count).map(|at| (format!("cred_{at:04}"), print)).collect()
    }

    fn look(accounts: &mut Accounts, look: u64, all: &[(String, u64)]) {
        let all: Vec<_> = all.iter().map(|(id, print)| (id.as_str(), *print)).collect();
        accounts.look(look, &all);
    }

    #[test]
    fn tabs_are_told_what_came_after_their_last_look() {
        let mut known = Accounts::default();
        let mut all = accounts(3, 0);
        look(&mut known, 1, &all);
        all[1].1 = 7;
        look(&mut known, 2, &all);
        all.remove(0);
        all.push(("cred_new".to_owned(), 0));
        look(&mut known, 3, &all);
        look(&mut known, 4, &all);

        let delta = known.since(1);
        assert_eq!(delta.changed, ["cred_0001", "cred_new"]);
        assert_eq!((delta.removed, delta.upto), (vec!["cred_0000".to_owned()], 4));
        assert_eq!(known.since(2).changed, ["cred_new"]);
        assert!(known.since(3).is_empty());
    }

    #[test]
    fn many_changes_come_one_event_after_the_other() {
        let mut known = Accounts::default();
        look(&mut known, 1, &accounts(500, 0));
        let mut told = Vec::new();
        for at in 2..5 {
            look(&mut known, at, &accounts(500, 1));
            let delta = known.since(at - 1);
            assert!(delta.changed.len() <= MOST);
            told.extend(delta.changed);
        }
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), 500);
        let (mut upto, mut late) = (1, 0);
        while upto < 4 {
            let delta = known.since(upto);
            late += delta.changed.len();
            assert!(delta.changed.len() <= MOST && delta.upto > upto);
            upto = delta.upto;
        }
        assert_eq!(late, 500, "whoever slept through it gets all of it as well");
    }

    #[test]
    fn the_first_accounts_of_an_empty_pool_are_told() {
        let mut known = Accounts::default();
        look(&mut known, 7, &[]);
        let mut told = 0;
        for at in 8..11 {
            look(&mut known, at, &accounts(500, 0));
            told += known.since(at - 1).changed.len();
        }
        assert_eq!(told, 500);
    }

    #[test]
    fn what_has_come_back_is_not_told_as_gone() {
        let mut known = Accounts::default();
        look(&mut known, 1, &accounts(2, 0));
        look(&mut known, 2, &accounts(1, 0));
        assert_eq!(known.since(1).removed, ["cred_0001"]);
        look(&mut known, 3, &accounts(2, 0));
        let delta = known.since(1);
        assert_eq!((delta.changed, delta.removed), (vec!["cred_0001".to_owned()], Vec::new()));
    }

    #[test]
    fn accounts_that_change_all_the_time_keep_none_waiting() {
        let mut known = Accounts::default();
        let mut told = std::collections::HashSet::new();
        for at in 1..8 {
            look(&mut known, at, &accounts(1000, at));
            told.extend(known.since(at - 1).changed.into_iter().filter(|_| at > 1));
        }
        assert_eq!(told.len(), 1000);
    }
}
