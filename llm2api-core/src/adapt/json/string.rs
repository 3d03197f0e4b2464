//! Strings with everything that models put into them.

use std::fmt::Write;

use super::look::{Place, ends_string};
use super::quote::Quote;

/// Reads a string up to the mark that ends it, and writes it as JSON.
pub(super) struct StringReader<'a> {
    text: &'a str,
    at: usize,
    out: &'a mut String,
}

impl<'a> StringReader<'a> {
    /// Stands behind the mark that opened the string.
    pub(super) fn new(text: &'a str, at: usize, out: &'a mut String) -> Self {
        Self { text, at, out }
    }

    /// Reads the string and returns the place behind it; the end of the text ends it as well.
    pub(super) fn read(mut self, quote: Quote, place: Place, depth: usize) -> usize {
        self.out.push('"');
        while let Some(c) = self.next() {
            if quote.closed_by(c) && ends_string(&self.text[self.at..], place, depth) {
                break;
            }
            match c {
                '\\' => self.escape(),
                c => push_escaped(self.out, c),
            }
        }
        self.out.push('"');
        self.at
    }

    fn next(&mut self) -> Option<char> {
        let c = self.text[self.at..].chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Reads what follows a backslash. One that JSON does not know belongs to the text.
    fn escape(&mut self) {
        match self.next() {
            None => {}
            Some(c @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
                self.out.extend(['\\', c]);
            }
            Some(c @ ('\'' | '`' | '“' | '”' | '‘' | '’')) => self.out.push(c),
            Some('u') => self.unicode(),
            Some('x') => self.byte(),
            Some(c) => {
                self.out.push_str("\\\\");
                push_escaped(self.out, c);
            }
        }
    }

    fn unicode(&mut self) {
        let Some(first) = self.hexadecimal(4) else {
            // The end of the text may have cut it off; anything else belongs to the text.
            let left = &self.text[self.at..];
            if left.len() < 4 && left.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                self.at = self.text.len();
            } else {
                self.out.push_str("\\\\u");
            }
            return;
        };
        let c = match first {
            0xd800..=0xdbff => self.surrogate(first),
            code => char::from_u32(code),
        };
        push_escaped(self.out, c.unwrap_or(char::REPLACEMENT_CHARACTER));
    }

    /// Reads the second half of a pair.
    fn surrogate(&mut self, high: u32) -> Option<char> {
        let start = self.at;
        let low = self.text[start..].starts_with("\\u").then(|| {
            self.at += 2;
            self.hexadecimal(4)
        });
        let low = low.flatten().filter(|low| (0xdc00..=0xdfff).contains(low));
        if low.is_none() {
            self.at = start;
        }
        char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low? - 0xdc00))
    }

    fn byte(&mut self) {
        match self.hexadecimal(2).and_then(char::from_u32) {
            Some(c) => push_escaped(self.out, c),
            None => self.out.push_str("\\\\x"),
        }
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let text = self.text.get(self.at..self.at + digits)?;
        let all = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(text, 16).ok().filter(|_| all)?;
        self.at += digits;
        Some(value)
    }
}

/// Writes a character as it must stand in a JSON string.
pub(super) fn push_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c < ' ' => {
            write!(out, "\\u{:04x}", u32::from(c)).expect("a String takes every text");
        }
        c => out.push(c),
    }
}
