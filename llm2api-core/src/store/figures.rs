//! The figures of a point, packed: a store may keep millions of points, of which most figures are
//! small and all have the same few names.

use std::mem;

/// The most bytes that a number has when packed.
const LONGEST: u32 = 10;

/// The names of figures: each has the number of its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// Takes names in the order of their numbers.
    #[cfg(feature = "sqlite")]
    pub(super) fn new(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Returns how many there are.
    #[cfg(feature = "sqlite")]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns those after the first `known`, with their numbers.
    #[cfg(feature = "sqlite")]
    pub(super) fn after(&self, known: usize) -> impl Iterator<Item = (usize, &str)> {
        self.0.iter().map(String::as_str).enumerate().skip(known)
    }

    /// Adds figures to those that are packed, and packs the sums; a sum that is full stays full.
    pub(super) fn add(&mut self, packed: &[u8], more: &[(String, u64)]) -> Vec<u8> {
        let mut figures = unpack(packed);
        for (name, value) in more {
            let number = self.number(name);
            match figures.iter_mut().find(|(known, _)| *known == number) {
                Some((_, sum)) => *sum = sum.saturating_add(*value),
                None => figures.push((number, *value)),
            }
        }
        pack(&figures)
    }

    /// Returns the figures that are packed, by name.
    pub(super) fn read(&self, packed: &[u8]) -> Vec<(String, u64)> {
        let name = |number: u64| usize::try_from(number).ok().and_then(|at| self.0.get(at));
        let named = unpack(packed).into_iter();
        let named = named.filter_map(|(number, value)| Some((name(number)?.clone(), value)));
        let mut figures: Vec<_> = named.collect();
        figures.sort_unstable();
        figures
    }

    /// Returns the number of a name, which gets the next one where it has none.
    fn number(&mut self, name: &str) -> u64 {
        let known = self.0.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        number as u64
    }
}

/// Writes the number of each figure's name, and its value.
fn pack(figures: &[(u64, u64)]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(4 * figures.len());
    for (number, value) in figures {
        put(&mut packed, *number);
        put(&mut packed, *value);
    }
    packed
}

/// Reads what was packed, up to where it breaks off.
fn unpack(mut packed: &[u8]) -> Vec<(u64, u64)> {
    let mut figures = Vec::new();
    while let Some(number) = take(&mut packed) {
        let Some(value) = take(&mut packed) else { break };
        figures.push((number, value));
    }
    figures
}

/// Writes seven bits a byte, the lowest first; all but the last byte have the eighth bit as well.
fn put(packed: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        packed.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    packed.push(number.to_le_bytes()[0]);
}

/// Takes what [`put`] has written off the front.
fn take(packed: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..LONGEST {
        let (byte, rest) = mem::take(packed).split_first()?;
        *packed = rest;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn figures_come_back_as_they_were(
            figures in proptest::collection::btree_map("[a-z0-9_]{1,12}", any::<u64>(), 0..20),
        ) {
            let mut names = Names::default();
            let figures: Vec<_> = figures.into_iter().collect();
            let packed = names.add(&[], &figures);
            prop_assert_eq!(names.read(&packed), figures);
        }

        #[test]
        fn bytes_that_nobody_packed_are_read_without_a_panic(bytes: Vec<u8>) {
            let packed = Names::default().add(&bytes, &[]);
            prop_assert_eq!(unpack(&packed), unpack(&bytes));
        }
    }

    #[test]
    fn figures_add_up_until_they_are_full() {
        let mut names = Names::default();
        let figure = |name: &str, value| (name.to_owned(), value);
        let first = names.add(&[], &[figure("tokens", 300), figure("requests", 1)]);
        assert_eq!(first.len(), 5, "a small figure has two bytes");
        let more = [figure("requests", 2), figure("requests", 4), figure("tokens", u64::MAX)];
        let sums = names.add(&first, &more);
        assert_eq!(names.read(&sums), [figure("requests", 7), figure("tokens", u64::MAX)]);
    }
}
