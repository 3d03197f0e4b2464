//! Texts and numbers of JSON.

use std::fmt::{self, Write};

/// The most digits that a number of 64 bits has.
const DIGITS: usize = 20;

/// Writes a text between quotes.
pub(super) fn write_text(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    Escaped(out).write_str(text)?;
    out.write_char('"')
}

/// Writes what comes as a part of a text.
pub(super) struct Escaped<'a, W>(pub(super) &'a mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !has_special(text.as_bytes()) {
            return self.0.write_str(text);
        }
        text.split_inclusive(|letter: char| u8::try_from(letter).is_ok_and(is_special))
            .try_for_each(|piece| self.write_piece(piece))
    }
}

impl<W: Write> Escaped<'_, W> {
    /// Writes what has nothing special but perhaps its end.
    fn write_piece(&mut self, piece: &str) -> fmt::Result {
        let last = piece.bytes().next_back().filter(|byte| is_special(*byte));
        let Some(last) = last else { return self.0.write_str(piece) };
        self.0.write_str(&piece[..piece.len() - 1])?;
        match last {
            b'"' => self.0.write_str("\\\""),
            b'\\' => self.0.write_str("\\\\"),
            b'\n' => self.0.write_str("\\n"),
            b'\r' => self.0.write_str("\\r"),
            b'\t' => self.0.write_str("\\t"),
            0x08 => self.0.write_str("\\b"),
            0x0c => self.0.write_str("\\f"),
            control => write!(self.0, "\\u{control:04x}"),
        }
    }
}

/// Says whether a text needs to be escaped, eight bytes at a time.
pub(super) fn has_special(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks();
    words.iter().any(|word| word_has_special(u64::from_ne_bytes(*word)))
        || rest.iter().any(|byte| is_special(*byte))
}

/// Subtracting from each byte borrows from its highest bit where the byte is smaller, and from no byte
/// that has that bit: see "Determine if a word has a byte less than n" of Anderson's Bit Twiddling Hacks.
fn word_has_special(word: u64) -> bool {
    let each = |byte: u8| u64::from_ne_bytes([byte; 8]);
    let has_less = |word: u64, byte: u8| word.wrapping_sub(each(byte)) & !word & each(0x80);
    let has = |byte: u8| has_less(word ^ each(byte), 1);
    has_less(word, b' ') | has(b'"') | has(b'\\') != 0
}

pub(super) fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Writes a number.
pub(super) fn write_number(out: &mut impl Write, number: u64) -> fmt::Result {
    let (mut digits, mut at, mut rest) = ([0; DIGITS], DIGITS, number);
    while at == DIGITS || rest > 0 {
        at -= 1;
        digits[at] = digit(rest % 10);
        rest /= 10;
    }
    out.write_str(std::str::from_utf8(&digits[at..]).map_err(|_| fmt::Error)?)
}

/// Returns the last digit of a number.
pub(super) fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}
