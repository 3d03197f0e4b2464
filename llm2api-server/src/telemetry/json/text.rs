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
        // Without a way out in between, so that many bytes are looked at at once.
        if !text.bytes().fold(false, |found, byte| found | is_special(byte)) {
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

fn is_special(byte: u8) -> bool {
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
