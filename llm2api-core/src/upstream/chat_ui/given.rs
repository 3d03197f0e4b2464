//! What the caller has been given, so that an answer which is read again is not given twice.

/// A piece of an answer, as the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Reasoning(String),
    Text(String),
}

/// What is read again is not what was given before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Differs;

/// All pieces given so far, those of one kind joined; and, while they come again, how far.
#[derive(Debug, Default)]
pub(super) struct Given {
    pieces: Vec<Piece>,
    bytes: u64,
    again: Option<Place>,
}

/// The next byte that comes again.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    piece: usize,
    byte: usize,
}

impl Piece {
    fn text(&self) -> &str {
        match self {
            Self::Reasoning(text) | Self::Text(text) => text,
        }
    }

    fn text_mut(&mut self) -> &mut String {
        match self {
            Self::Reasoning(text) | Self::Text(text) => text,
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        matches!(self, Self::Text(_)) == matches!(other, Self::Text(_))
    }
}

impl Given {
    /// Says that the pieces come again, from the first one on.
    pub(super) fn start_again(&mut self) {
        self.again = (!self.pieces.is_empty()).then(Place::default);
    }

    /// Says whether some of what was given has not come again yet.
    pub(super) fn is_behind(&self) -> bool {
        self.again.is_some()
    }

    /// Returns how many bytes were given.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the text that was given, without the reasoning.
    pub(super) fn text(&self) -> String {
        let texts = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Reasoning(_) => None,
        });
        texts.collect()
    }

    /// Returns the reasoning that was given; none once text has followed, or while it comes again.
    pub(super) fn reasoning(&self) -> Option<&str> {
        match &self.pieces[..] {
            _ if self.is_behind() => None,
            [] => Some(""),
            [Piece::Reasoning(text)] => Some(text),
            _ => None,
        }
    }

    /// Takes the next piece and returns what of it is new.
    ///
    /// # Errors
    /// [`Differs`] where it is not what was given at this place.
    pub(super) fn take(&mut self, mut piece: Piece) -> Result<Option<Piece>, Differs> {
        if let Some(place) = self.again {
            self.follow(place, &mut piece)?;
        }
        if piece.text().is_empty() {
            return Ok(None);
        }
        self.bytes += piece.text().len() as u64;
        match self.pieces.last_mut().filter(|last| last.is_like(&piece)) {
            Some(last) => last.text_mut().push_str(piece.text()),
            None => self.pieces.push(piece.clone()),
        }
        Ok(Some(piece))
    }

    /// Takes from the front of `piece` what was given already.
    fn follow(&mut self, mut place: Place, piece: &mut Piece) -> Result<(), Differs> {
        if piece.text().is_empty() {
            return Ok(());
        }
        let before = &self.pieces[place.piece];
        if !before.is_like(piece) {
            return Err(Differs);
        }
        let rest = &before.text()[place.byte..];
        let common = rest.len().min(piece.text().len());
        if rest.as_bytes()[..common] != piece.text().as_bytes()[..common] {
            return Err(Differs);
        }
        // Both begin with these bytes, and one of them ends here: it is between two characters.
        piece.text_mut().drain(..common);
        place.byte += common;
        if place.byte == before.text().len() {
            place = Place { piece: place.piece + 1, byte: 0 };
        }
        let over = place.piece == self.pieces.len();
        self.again = (!over).then_some(place);
        // Pieces of one kind are joined, so what goes beyond one is new or something else.
        if over || piece.text().is_empty() { Ok(()) } else { Err(Differs) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.into())
    }

    fn thought(text: &str) -> Piece {
        Piece::Reasoning(text.into())
    }

    #[test]
    fn only_what_is_new_comes_out() {
        let mut given = Given::default();
        for piece in [thought("Hm"), thought("m"), text("日"), text("本")] {
            assert_eq!(given.take(piece.clone()), Ok(Some(piece)));
        }
        given.start_again();
        assert_eq!(given.take(thought("Hmm")), Ok(None));
        assert_eq!(given.take(text("日本語")), Ok(Some(text("語"))));
        assert!(!given.is_behind());
        given.start_again();
        assert_eq!(given.take(thought("Hmmm")), Err(Differs), "what follows was text");
    }

    #[test]
    fn another_text_is_told() {
        let mut given = Given::default();
        assert_eq!(given.take(text("Hello")), Ok(Some(text("Hello"))));
        for other in [text("Help"), thought("Hello"), text("J")] {
            given.start_again();
            assert_eq!(given.take(other), Err(Differs));
        }
        given.start_again();
        assert_eq!(given.take(text("Hel")), Ok(None));
        assert!(given.is_behind());
    }

    proptest! {
        #[test]
        fn however_it_is_cut_everything_comes_once(
            answer in "[aé日]{1,12}",
            first in any::<prop::sample::Index>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        ) {
            let ends: Vec<usize> = answer.char_indices().map(|(at, _)| at).chain([answer.len()]).collect();
            let seen = ends[first.index(ends.len())];
            let mut given = Given::default();
            let mut out = String::new();
            let mut get = |given: &mut Given, piece: &str| {
                if let Some(piece) = given.take(text(piece)).expect("the same text") {
                    out.push_str(piece.text());
                }
            };
            get(&mut given, &answer[..seen]);
            given.start_again();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| ends[cut.index(ends.len())]).collect();
            cuts.extend([0, answer.len()]);
            cuts.sort_unstable();
            for ends in cuts.windows(2) {
                get(&mut given, &answer[ends[0]..ends[1]]);
            }
            prop_assert_eq!(out, answer);
        }
    }
}
