//! What the model answers, chosen by words in the last user message.
//!
//! | word | answer |
//! |---|---|
//! | none | [`ANSWER`], in the tokens of the recordings |
//! | `ECHO:text` | exactly the rest of that line, first character included; the last such line counts |
//! | `PROMPT` | what the model was given, as JSON: a list of `{role, content}` |
//! | `THINK`, or the model `mock/thinker` | reasoning first |
//! | `TOOL` | chat-ui: a tool that the server runs; OpenAI: a call of the first tool that was sent |
//! | `SLOW` | 250 ms before each token |
//! | `LONGRUN` | 200 tokens |
//! | `LENGTH` | ends for its length (not seen on chat-ui) |
//! | `NOFINISH` | ends without a finish reason |
//! | `EMPTY` | nothing |
//! | `MIDERR`, `MIDCUT` | breaks after four tokens; chat-ui v2 tries twice |
//! | `MIDERRONCE` | breaks once: chat-ui v2 starts again silently, others serve the next request with that prompt |
//! | `ERR400` `ERR402` `ERR429` `ERR500` | the model backend refuses with this status |
//!
//! Words are matched whole, and not inside the text after `ECHO:`.

use std::time::Duration;

/// Tokens of the normal answer.
pub const TOKENS: [&str; 9] = [
    "Hello",
    " from",
    " the",
    " mock",
    " model",
    ". Größe 日本",
    " 🙂 \"quoted\"\n",
    " internationalization-of-long-words",
    " end.",
];
/// The normal answer.
pub const ANSWER: &str =
    "Hello from the mock model. Größe 日本 🙂 \"quoted\"\n internationalization-of-long-words end.";
/// Tokens of the reasoning.
pub const THOUGHTS: [&str; 4] = ["Let me", " think", " about", "\n\nthis."];

const BEFORE_BREAK: usize = 4;
const LONGRUN: usize = 200;
const SLOW: Duration = Duration::from_millis(250);

/// What the model is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompt {
    /// The last user message.
    pub(crate) text: String,
    /// What `PROMPT` answers.
    pub(crate) input: String,
    /// Model.
    pub(crate) model: String,
    /// Pause before each token.
    pub(crate) delay: Duration,
}

/// What the model does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What happens, in order.
    pub(crate) beats: Vec<Beat>,
    /// Pause before each token.
    pub(crate) pause: Duration,
    /// Why it ends.
    pub(crate) finish: Option<&'static str>,
    /// Whether a break happens only once.
    pub(crate) once: bool,
}

/// One thing that happens in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// A token of reasoning.
    Think(String),
    /// A token of text.
    Text(String),
    /// A tool call.
    Tool,
    /// The backend breaks, with this message.
    Break(&'static str),
    /// The backend refuses.
    Refuse(Refusal),
}

/// A refusal of the model backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Status code.
    pub(crate) status: u16,
    /// Message as it stands in an OpenAI error.
    pub(crate) message: &'static str,
    /// Code of an OpenAI error.
    pub(crate) code: &'static str,
}

impl Refusal {
    /// The message as chat-ui shows it.
    pub(crate) fn chat_ui_message(&self) -> String {
        let quote = if self.status == 402 { "\"" } else { "" };
        format!("{} {quote}{}{quote}", self.status, self.message)
    }
}

const REFUSALS: [(&str, Refusal); 4] = [
    (
        "ERR400",
        Refusal {
            status: 400,
            message: "This model's maximum context length is 8192 tokens, however you requested \
                      99999 tokens",
            code: "context_length_exceeded",
        },
    ),
    (
        "ERR402",
        Refusal {
            status: 402,
            message: "You have exceeded your monthly included credits",
            code: "insufficient_quota",
        },
    ),
    (
        "ERR429",
        Refusal {
            status: 429,
            message: "mock: rate limit reached for model",
            code: "rate_limit_exceeded",
        },
    ),
    (
        "ERR500",
        Refusal { status: 500, message: "mock: internal backend error", code: "internal_error" },
    ),
];

impl Plan {
    /// What the model does with `prompt`.
    pub(crate) fn of(prompt: &Prompt) -> Self {
        let words = Words::of(&prompt.text);
        let pause = if words.has("SLOW") { SLOW } else { prompt.delay };
        let mut plan = Self { pause, ..Self::saying(words.answer(prompt)) };
        plan.finish = words.finish();
        if words.has("THINK") || prompt.model == "mock/thinker" {
            let thoughts = THOUGHTS.map(|thought| Beat::Think(thought.to_owned()));
            plan.beats.splice(0..0, thoughts);
        }
        if words.has("TOOL") {
            plan.beats.splice(0..0, [Beat::Text("Let me check. ".to_owned()), Beat::Tool]);
        }
        plan.fail(&words);
        plan
    }

    /// A plan that says `text` and ends well.
    pub(crate) fn text(text: &str, delay: Duration) -> Self {
        Self { pause: delay, ..Self::saying(tokens(text)) }
    }

    fn saying(tokens: Vec<String>) -> Self {
        let beats = tokens.into_iter().map(Beat::Text).collect();
        Self { beats, pause: Duration::ZERO, finish: Some("stop"), once: false }
    }

    /// Adds what the words want to go wrong.
    fn fail(&mut self, words: &Words<'_>) {
        let overloaded = Beat::Break("mock: upstream overloaded in mid-stream");
        let start = &self.beats[..BEFORE_BREAK.min(self.beats.len())];
        if let Some((_, refusal)) = REFUSALS.iter().find(|(word, _)| words.has(word)) {
            self.beats = vec![Beat::Refuse(*refusal)];
        } else if words.has("MIDERRONCE") {
            self.once = true;
            self.beats = [start, &[overloaded], self.beats.as_slice()].concat();
        } else if words.has("MIDERR") {
            self.beats = twice(&[start, &[overloaded]].concat());
        } else if words.has("MIDCUT") {
            self.beats = twice(&[start, &[Beat::Break("terminated")]].concat());
        }
    }

    /// The plan as it goes when the break lies behind.
    pub(crate) fn after_break(mut self) -> Self {
        if let Some(place) = self.beats.iter().position(|beat| matches!(beat, Beat::Break(_))) {
            self.beats.drain(..=place);
        }
        self
    }

    /// The refusal, if it is one.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        match self.beats.first() {
            Some(Beat::Refuse(refusal)) => Some(*refusal),
            _ => None,
        }
    }
}

/// The same beats and once more.
fn twice(beats: &[Beat]) -> Vec<Beat> {
    [beats, beats].concat()
}

/// The words of a prompt.
struct Words<'p> {
    words: Vec<&'p str>,
    echo: Option<&'p str>,
}

impl<'p> Words<'p> {
    fn of(text: &'p str) -> Self {
        let mut words = Vec::new();
        let mut echo = None;
        for line in text.lines() {
            let plain = line.split_once("ECHO:").map_or(line, |(before, after)| {
                echo = Some(after);
                before
            });
            words.extend(plain.split(|character: char| !character.is_ascii_alphanumeric()));
        }
        Self { words, echo }
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    fn answer(&self, prompt: &Prompt) -> Vec<String> {
        if let Some(echo) = self.echo {
            return tokens(echo);
        }
        let normal = TOKENS.iter().map(|token| (*token).to_owned());
        match () {
            () if self.has("EMPTY") => Vec::new(),
            () if self.has("PROMPT") => tokens(&prompt.input),
            () if self.has("LONGRUN") => normal.cycle().take(LONGRUN).collect(),
            () => normal.collect(),
        }
    }

    fn finish(&self) -> Option<&'static str> {
        match () {
            () if self.has("NOFINISH") => None,
            () if self.has("LENGTH") => Some("length"),
            () => Some("stop"),
        }
    }
}

/// Splits `text` before its spaces.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for piece in text.split_inclusive(' ') {
        let (word, space) = piece.strip_suffix(' ').map_or((piece, ""), |word| (word, " "));
        match tokens.last_mut() {
            Some(last) => last.push_str(word),
            None if !word.is_empty() => tokens.push(word.to_owned()),
            None => {}
        }
        if !space.is_empty() {
            tokens.push(space.to_owned());
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::{ANSWER, Beat, Plan, Prompt, TOKENS, tokens};

    fn plan(text: &str) -> Plan {
        Plan::of(&Prompt { text: text.to_owned(), ..Prompt::default() })
    }

    #[test]
    fn tokens_make_up_the_answer() {
        assert_eq!(TOKENS.concat(), ANSWER);
    }

    #[test]
    fn splitting_loses_nothing() {
        for text in ["", " ", "a", " a  b ", "one two\nthree 🙂"] {
            assert_eq!(tokens(text).concat(), text);
        }
        assert_eq!(tokens("one two"), ["one", " two"]);
    }

    #[test]
    fn an_echo_hides_words_in_it() {
        let plan = plan("please\nECHO:ERR429 SLOW\nthanks");
        let texts: Vec<_> = plan.beats.iter().map(|beat| format!("{beat:?}")).collect();
        assert_eq!(texts, ["Text(\"ERR429\")", "Text(\" SLOW\")"]);
        assert!(plan.pause.is_zero());
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(plan("SLOWLY MIDERRONCES"), plan("hello"));
        assert_eq!(plan("MIDERR").beats.len(), 10);
        assert!(matches!(plan("a ERR402.").beats[..], [Beat::Refuse(_)]));
    }

    #[test]
    fn after_a_break_everything_comes() {
        assert_eq!(plan("MIDERRONCE").after_break().beats, plan("hello").beats);
    }
}
