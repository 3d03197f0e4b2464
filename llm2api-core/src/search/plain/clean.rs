//! Characters: what stays, what becomes a blank, and what nobody sees.

const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];
const ELLIPSIS: char = '…';

/// What is between the last character and the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Blank,
    Break,
}

/// What becomes of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Seen(char),
    /// Says how its neighbours look, as in Persian and in pictures of families.
    Joins,
    Gap(Gap),
    Unseen,
}

/// Plain text under way: takes any characters, and keeps so many of those that people see.
#[derive(Debug)]
pub(in super::super) struct Clean {
    text: String,
    length: usize,
    most: usize,
    keeps_breaks: bool,
    gap: Gap,
    is_cut: bool,
}

impl Clean {
    /// Makes one line.
    pub(in super::super) fn line(most: usize) -> Self {
        let (text, gap) = (String::new(), Gap::None);
        Self { text, length: 0, most, keeps_breaks: false, gap, is_cut: false }
    }

    /// Makes lines without empty ones between them.
    pub(in super::super) fn lines(most: usize) -> Self {
        Self { keeps_breaks: true, ..Self::line(most) }
    }

    /// Says whether more text would be left out.
    pub(in super::super) fn is_full(&self) -> bool {
        self.is_cut
    }

    /// The characters so far.
    pub(in super::super) fn length(&self) -> usize {
        self.length
    }

    /// Adds text, which holds no markup.
    pub(in super::super) fn push(&mut self, text: &str) {
        for letter in text.chars() {
            if self.is_cut {
                return;
            }
            match sort(letter) {
                Sort::Seen(letter) => self.put(letter),
                Sort::Joins if self.may_join(letter) => self.put(letter),
                Sort::Gap(gap) => self.gap = self.gap.max(gap),
                Sort::Joins | Sort::Unseen => {}
            }
        }
    }

    /// Returns the text, with `…` at its end where something was left out.
    pub(in super::super) fn into_text(mut self) -> String {
        if !self.is_cut || self.most == 0 {
            return self.text;
        }
        while self.length >= self.most && self.text.pop().is_some() {
            self.length -= 1;
        }
        self.text.truncate(self.text.trim_end().len());
        self.text.push(ELLIPSIS);
        self.text
    }

    fn put(&mut self, letter: char) {
        let gap = match self.gap {
            Gap::Break if self.keeps_breaks => Some('\n'),
            Gap::Break | Gap::Blank => Some(' '),
            Gap::None => None,
        };
        let gap = gap.filter(|_| !self.text.is_empty());
        if self.length + usize::from(gap.is_some()) >= self.most {
            self.is_cut = true;
            return;
        }
        self.gap = Gap::None;
        for letter in gap.into_iter().chain([letter]) {
            self.text.push(letter);
            self.length += 1;
        }
    }

    /// One joiner stands behind what is seen; rows of them carry what nobody is to read.
    fn may_join(&self, letter: char) -> bool {
        let before = self.text.chars().next_back().filter(|_| self.gap == Gap::None);
        before.is_some_and(|before| match sort(before) {
            Sort::Joins => JOINERS.contains(&letter) && !JOINERS.contains(&before),
            _ => true,
        })
    }
}

fn sort(letter: char) -> Sort {
    match letter {
        '<' => Sort::Seen('‹'),
        '>' => Sort::Seen('›'),
        '\u{21}'..='\u{7e}' => Sort::Seen(letter),
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
            Sort::Gap(Gap::Break)
        }
        // The empty pattern of Braille looks like a blank.
        '\u{2800}' => Sort::Gap(Gap::Blank),
        _ if letter.is_whitespace() => Sort::Gap(Gap::Blank),
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => Sort::Joins,
        _ if is_unseen(letter) => Sort::Unseen,
        _ => Sort::Seen(letter),
    }
}

/// Says whether a character is a control or one that Unicode lets nobody see, joiners apart.
pub(super) fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            // Blanks of no width, marks of direction, operators that nobody sees.
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            // Tags, and the selectors of variants beyond the first sixteen.
            | '\u{e0000}'..='\u{e0fff}')
}
