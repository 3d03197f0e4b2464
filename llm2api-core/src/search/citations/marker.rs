//! One marker, such as `[1, 3]`.

/// Bytes between the brackets of a marker.
const MOST_BYTES: usize = 200;
/// Digits of a number.
const MOST_DIGITS: usize = 4;

/// A marker that may be under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Marker {
    open: Option<Open>,
    /// What stands between the brackets: digits, commas and blanks.
    inside: String,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    start: usize,
    end: char,
}

impl Marker {
    /// Takes the character that stands `at` a place, and returns where the marker began that ends
    /// with it; its [numbers](Self::numbers) can be had until the next one.
    pub(super) fn read(&mut self, c: char, at: usize) -> Option<usize> {
        if let Some(end) = end_of(c) {
            self.open = Some(Open { start: at, end });
            self.inside.clear();
            return None;
        }
        let Open { start, end } = self.open?;
        let goes_on = matches!(c, '0'..='9' | ',' | ' ') && self.inside.len() < MOST_BYTES;
        if goes_on {
            self.inside.push(c);
            return None;
        }
        self.open = None;
        (c == end && self.numbers().count() > 0).then_some(start)
    }

    /// Lists the numbers; none where anything else stands between the commas.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> {
        let numbers = self.inside.split(',').map(|number| number.trim_matches(' '));
        let sound = numbers.clone().all(is_number);
        numbers.take_while(move |_| sound).filter_map(|number| number.parse().ok())
    }
}

fn is_number(text: &str) -> bool {
    (1..=MOST_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn end_of(c: char) -> Option<char> {
    match c {
        '[' => Some(']'),
        '【' => Some('】'),
        _ => None,
    }
}

#[cfg(test)]
impl Marker {
    /// Returns what is held of a marker, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.inside.len()
    }
}
