//! Bytes that nobody can guess.

use std::cell::RefCell;
use std::process;

use uuid::{Builder, Uuid};

use crate::error::{Error, ErrorKind, Result};

/// Ids that are made of one lot of bytes.
const IDS: usize = 64;
const ID_BYTES: usize = 16;

/// Fills `bytes` with what nobody can guess, for `operation`.
///
/// # Errors
/// [`ErrorKind::Internal`] where the operating system gives none.
pub(crate) fn fill(bytes: &mut [u8], operation: &'static str) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        let message = "the operating system gives no random bytes";
        Error::new(ErrorKind::Internal, operation, message).with_source(error)
    })
}

/// Makes an id that nothing else has, here or elsewhere, of bytes that were taken from the operating
/// system in advance. Ids are shown: what is to stay secret takes [`fill`].
pub(crate) fn new_id() -> Uuid {
    thread_local! {
        static STOCK: RefCell<Stock> = const { RefCell::new(Stock::EMPTY) };
    }
    let bytes = STOCK.with_borrow_mut(|stock| stock.take(process::id()));
    Builder::from_random_bytes(bytes).into_uuid()
}

/// The random bytes of one thread, each for one use.
struct Stock {
    /// Who has taken them. A process that was forked off finds its parent's, which go to waste.
    process: u32,
    left: usize,
    ids: [[u8; ID_BYTES]; IDS],
}

impl Stock {
    const EMPTY: Self = Self { process: 0, left: 0, ids: [[0; ID_BYTES]; IDS] };

    fn take(&mut self, process: u32) -> [u8; ID_BYTES] {
        if self.left == 0 || self.process != process {
            getrandom::fill(self.ids.as_flattened_mut()).expect(
                "a system without random bytes has let no store and no connection be opened",
            );
            (self.process, self.left) = (process, IDS);
        }
        self.left -= 1;
        self.ids[self.left]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[test]
    fn no_two_ids_are_alike_on_any_thread() {
        let made = || (0..=3 * IDS).map(|_| new_id()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| thread::spawn(made)).collect();
        let ids = threads.into_iter().flat_map(|thread| thread.join().expect("no panic"));
        let ids: HashSet<_> = ids.chain(made()).collect();
        assert_eq!(ids.len(), 9 * (3 * IDS + 1));
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
    }

    #[test]
    fn what_was_forked_off_makes_other_ids_than_its_parent() {
        let mut parent = Stock::EMPTY;
        parent.take(1);
        // As a fork leaves it: the same bytes, in a process of another number.
        let mut child = Stock { ids: parent.ids, ..parent };
        let theirs: HashSet<_> = (0..2 * IDS).map(|_| parent.take(1)).collect();
        let ours: HashSet<_> = (0..2 * IDS).map(|_| child.take(2)).collect();
        assert!(theirs.is_disjoint(&ours));
        assert_eq!((theirs.len(), ours.len()), (2 * IDS, 2 * IDS));
    }
}
