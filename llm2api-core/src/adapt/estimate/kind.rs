//! Characters that vocabularies treat alike.

/// The most frequent characters that only the traditional script of Chinese has, in order.
const TRADITIONAL: [char; 109] = [
    '來', '個', '們', '兩', '動', '區', '員', '問', '國', '報', '場', '學', '實', '寫', '將', '對',
    '帶', '幾', '廣', '張', '後', '從', '愛', '應', '戰', '據', '數', '時', '書', '會', '東', '業',
    '樂', '樣', '機', '歲', '氣', '決', '沒', '為', '無', '現', '產', '當', '發', '種', '級', '給',
    '經', '網', '線', '總', '義', '聽', '與', '華', '萬', '處', '術', '裡', '見', '親', '覺', '觀',
    '訊', '記', '設', '許', '訴', '話', '該', '認', '語', '說', '請', '識', '讀', '變', '讓', '買',
    '資', '賣', '質', '車', '這', '進', '運', '過', '選', '還', '錢', '錯', '長', '門', '開', '間',
    '關', '離', '難', '電', '頁', '頭', '題', '類', '飯', '館', '體', '麼', '點',
];

/// A kind of character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing was read yet.
    #[default]
    Start,
    /// Blanks within a line.
    Space,
    /// Line breaks.
    Line,
    /// Small letters of Latin script.
    Lower,
    /// Capital letters of Latin script.
    Upper,
    /// Digits.
    Digit,
    /// Punctuation of ASCII.
    Sign,
    /// Chinese characters.
    Han,
    /// Those that only the traditional script has, which vocabularies know less of.
    Traditional,
    /// Letters of Japanese and Korean.
    Syllable,
    /// Letters of every other script.
    Letter,
    /// Punctuation beyond ASCII.
    Mark,
    /// Pictures and everything else.
    Symbol,
}

impl Kind {
    pub(super) fn of(c: char) -> Self {
        match c {
            'a'..='z' => Self::Lower,
            ' ' | '\t' => Self::Space,
            'A'..='Z' => Self::Upper,
            '0'..='9' => Self::Digit,
            '\n' | '\r' => Self::Line,
            '!'..='~' => Self::Sign,
            _ => Self::beyond_ascii(c),
        }
    }

    fn beyond_ascii(c: char) -> Self {
        match c {
            c if TRADITIONAL.binary_search(&c).is_ok() => Self::Traditional,
            '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{2_0000}'..='\u{3_ffff}' => {
                Self::Han
            }
            '\u{3041}'..='\u{30ff}' | '\u{ac00}'..='\u{d7a3}' => Self::Syllable,
            '\u{2010}'..='\u{205e}'
            | '\u{3001}'..='\u{3020}'
            | '\u{ff01}'..='\u{ff65}'
            | '\u{a1}'..='\u{bf}' => Self::Mark,
            '\u{c0}'..='\u{24f}' if c.is_uppercase() => Self::Upper,
            '\u{c0}'..='\u{24f}' => Self::Lower,
            c if c.is_whitespace() => Self::Space,
            c if c.is_alphabetic() => Self::Letter,
            _ => Self::Symbol,
        }
    }

    /// Says whether this is a letter of Latin script.
    pub(super) fn is_latin(self) -> bool {
        matches!(self, Self::Lower | Self::Upper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_traditional_characters_are_in_order() {
        assert!(TRADITIONAL.is_sorted());
        assert_eq!(Kind::of('們'), Kind::Traditional);
        assert_eq!(Kind::of('们'), Kind::Han);
    }
}
