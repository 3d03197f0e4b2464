//! What models put around strings.

/// A kind of quotation mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// `"`, as JSON has it.
    Double,
    /// `'`, from Python and JavaScript.
    Single,
    /// A backtick, from JavaScript.
    Backtick,
    /// `“` and `”`, which word processors and some models make of `"`.
    SmartDouble,
    /// `‘` and `’`.
    SmartSingle,
}

impl Quote {
    /// Returns the kind that this character opens.
    pub(super) fn opened_by(c: char) -> Option<Self> {
        match c {
            '"' => Some(Self::Double),
            '\'' => Some(Self::Single),
            '`' => Some(Self::Backtick),
            '“' | '”' | '„' | '‟' => Some(Self::SmartDouble),
            '‘' | '’' | '‚' => Some(Self::SmartSingle),
            _ => None,
        }
    }

    /// Says whether this character may end a string of this kind.
    pub(super) fn closed_by(self, c: char) -> bool {
        match self {
            Self::Double => c == '"',
            Self::Single => c == '\'',
            Self::Backtick => c == '`',
            Self::SmartDouble => matches!(c, '”' | '“' | '"' | '‟'),
            Self::SmartSingle => matches!(c, '’' | '‘' | '\''),
        }
    }

    /// Returns the mark that opens a text over several lines, as Python has it.
    pub(super) fn tripled(self) -> Option<&'static str> {
        match self {
            Self::Double => Some("\"\"\""),
            Self::Single => Some("'''"),
            _ => None,
        }
    }
}
