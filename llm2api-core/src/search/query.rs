//! What an engine is asked.

use std::sync::Arc;

use super::language;
use super::options::{Options, Size};
use crate::chat::{Message, Role};
use crate::error::{Error, ErrorKind};

/// Characters of a query: engines cut longer ones anyhow.
const LONGEST: usize = 300;
/// How many of the last turns of the person say in which language he asks.
const TURNS: usize = 3;

/// What an engine is asked.
///
/// # Example
/// ```
/// use llm2api_core::search::Query;
///
/// let query = Query::new("weather in Oslo").with_language("en");
/// assert_eq!(query.text(), "weather in Oslo");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    text: String,
    language: Option<String>,
}

impl Query {
    /// Asks for `text`, of which blanks are squeezed and no more than 300 characters are taken.
    pub fn new(text: &str) -> Self {
        Self { text: squeeze(text), language: None }
    }

    /// Sets the language of what is to be found, such as `de` or `pt-BR`; any by default.
    #[must_use]
    pub fn with_language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// Returns what to look for.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the language of what is to be found; none where any will do.
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// Asks for another text in the same language.
    pub(crate) fn reworded(&self, text: &str) -> Self {
        Self { text: squeeze(text), language: self.language.clone() }
    }
}

/// What somebody wants to know.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// Which message asks.
    pub(crate) at: usize,
    pub(crate) query: Query,
    pub(crate) size: Size,
}

impl Question {
    /// Reads it out of a conversation; none where the person has said nothing.
    pub(crate) fn of(messages: &[Message], options: &Options, language: &Language) -> Option<Self> {
        let is_user = |message: &&Message| message.role == Role::User;
        let at = messages.iter().rposition(|message| message.role == Role::User)?;
        let said = messages[at].text();
        let mut query = Query::new(gist(&said));
        if query.text.is_empty() {
            return None;
        }
        let earlier = || {
            let turns: Vec<_> = messages[..=at]
                .iter()
                .filter(is_user)
                .rev()
                .take(TURNS)
                .map(Message::text)
                .collect();
            turns.join("\n")
        };
        query.language = match language {
            Language::Any => None,
            Language::Fixed(code) => Some(code.to_string()),
            Language::OfQuestion => {
                let code = language::of_question(&said, earlier);
                code.map(|code| match options.country() {
                    Some(country) => format!("{code}-{country}"),
                    None => code.to_owned(),
                })
            }
        };
        Some(Self { at, query, size: options.size() })
    }
}

/// Explains that the person has said nothing that can be searched for.
pub(crate) fn no_question() -> Error {
    let message = "the last message of the user has no words to search for";
    Error::new(ErrorKind::InvalidRequest, "search", message).with_code("search_no_question")
}

/// In which language to search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    /// That of the question, where it shows.
    #[default]
    OfQuestion,
    /// Any.
    Any,
    /// This one.
    Fixed(Arc<str>),
}

/// The part of a long message that asks: its last line that is a question, else its first line.
fn gist(said: &str) -> &str {
    if said.chars().nth(LONGEST).is_none() {
        return said;
    }
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let asks = |line: &&str| line.ends_with(['?', '？', '؟']);
    lines().rev().find(asks).or_else(|| lines().next()).unwrap_or_default()
}

/// Squeezes blanks and cuts at the end of a word.
fn squeeze(text: &str) -> String {
    let mut squeezed = String::new();
    let mut length = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty())
    {
        let more = word.chars().count() + usize::from(length > 0);
        if length + more > LONGEST {
            if length == 0 {
                squeezed.extend(word.chars().take(LONGEST));
            }
            break;
        }
        if length > 0 {
            squeezed.push(' ');
        }
        squeezed.push_str(word);
        length += more;
    }
    squeezed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::Part;

    fn ask(messages: &[Message]) -> Option<(usize, String)> {
        let question = Question::of(messages, &Options::default(), &Language::Any)?;
        Some((question.at, question.query.text))
    }

    #[test]
    fn the_last_turn_of_the_person_is_asked_for() {
        let messages = [
            Message::user("Who was Ada Lovelace?"),
            Message::assistant("A mathematician."),
            Message::user(" and when \n did she live? "),
            Message::assistant("calls a tool"),
            Message::new(Role::Tool, "1815"),
        ];
        assert_eq!(ask(&messages), Some((2, "and when did she live?".into())));
        let picture = Message::user(vec![Part::image("data:image/png;base64,AA==")]);
        assert_eq!(ask(std::slice::from_ref(&picture)), None);
        assert_eq!(ask(&[Message::user("old"), picture]), None, "the old question is answered");
        assert_eq!(ask(&[Message::system("x"), Message::assistant("y")]), None);
    }

    #[test]
    fn the_question_in_a_long_message_is_found() {
        let pasted = "word ".repeat(200);
        let last = format!("{pasted}\nWhat does it mean?\n\n{pasted}");
        assert_eq!(ask(&[Message::user(last)]), Some((0, "What does it mean?".into())));
        let first = format!("Summarise this:\n{pasted}");
        assert_eq!(ask(&[Message::user(first)]), Some((0, "Summarise this:".into())));
        let (_, words) = ask(&[Message::user(pasted)]).expect("text");
        assert!(words.chars().count() <= LONGEST && words.ends_with("word"));
    }

    #[test]
    fn the_country_makes_a_region_of_the_language() {
        let options: Options = serde_json::from_str(
            r#"{"user_location": {"type": "approximate", "approximate": {"country": "CH"}}}"#,
        )
        .expect("options");
        let messages =
            [Message::user("Wann fährt morgen früh der erste Zug von Zürich nach Bern?")];
        let language = |language: &Language| {
            Question::of(&messages, &options, language).and_then(|question| question.query.language)
        };
        assert_eq!(language(&Language::OfQuestion).as_deref(), Some("de-CH"));
        assert_eq!(language(&Language::Fixed("fr".into())).as_deref(), Some("fr"));
        assert_eq!(language(&Language::Any), None);
    }

    proptest! {
        #[test]
        fn a_query_is_short_and_on_one_line(text in "\\PC{0,40}[\\s\\S]{0,900}") {
            let query = Query::new(&text);
            prop_assert!(query.text().chars().count() <= LONGEST);
            prop_assert!(!query.text().contains(|c: char| c.is_control()));
            prop_assert_eq!(query.text(), query.text().trim());
        }
    }
}
