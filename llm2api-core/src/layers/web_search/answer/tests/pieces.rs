//! Random answers, in pieces and whole.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::chat::{
    AssistantMessage, ChatItem, ChatStream, Choice, Chunk, ChunkBody, ChunkChoice, Completion,
    CompletionBody, Delta, Extra, FinishReason, Role, Usage,
};

const WORDS: [&str; 14] = [
    "Paris",
    " ",
    "日本",
    "é",
    "\n\n",
    "[1]",
    "[2, 3]",
    "【3】",
    "[9]",
    "`a[1]`",
    "```\n[1]\n```\n",
    "`",
    "[",
    "1]",
];

/// One choice of an answer, and where it is cut.
#[derive(Clone, Debug)]
pub(super) struct Said {
    text: String,
    cuts: Vec<Index>,
    /// So many of the first pieces say who speaks.
    pub(super) names: usize,
    annotated: bool,
    reasoned: bool,
    /// The last piece and the end come together.
    closes: bool,
}

/// An answer, and the order in which the pieces of its choices come.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) choices: Vec<Said>,
    order: Vec<Index>,
    usage: bool,
    /// A chunk without a choice comes first.
    prefaced: bool,
}

pub(super) fn answers() -> impl Strategy<Value = Answer> {
    let text = vec(select(&WORDS[..]), 0..10).prop_map(|words| words.concat());
    let names = select(&[0, 1, usize::MAX][..]);
    let said = (text, vec(any::<Index>(), 0..6), names, any::<[bool; 3]>());
    let said = said.prop_map(|(text, cuts, names, [annotated, reasoned, closes])| Said {
        text,
        cuts,
        names,
        annotated,
        reasoned,
        closes,
    });
    (vec(said, 1..4), vec(any::<Index>(), 1..12), any::<[bool; 2]>())
        .prop_map(|(choices, order, [usage, prefaced])| Answer { choices, order, usage, prefaced })
}

impl Said {
    /// Annotations of its own, those of the first piece or the last.
    fn own(&self, last: bool) -> Vec<Value> {
        let title = if last { "Last" } else { "First" };
        let own = json!({"type": "url_citation", "url_citation": {
            "start_index": 1, "end_index": 4, "url": "https://example.org/own", "title": title}});
        self.annotated.then_some(own).into_iter().collect()
    }

    fn reasoning(&self) -> Option<String> {
        self.reasoned.then(|| "Let me see [1].".to_owned())
    }

    fn whole(&self, index: u32) -> Choice {
        let message = AssistantMessage {
            content: Some(self.text.clone()),
            reasoning_content: self.reasoning(),
            extra: extra([self.own(false), self.own(true)].concat()),
            ..AssistantMessage::default()
        };
        let finish_reason = Some(FinishReason::Stop);
        Choice { index, message, finish_reason, ..Choice::default() }
    }

    /// Cuts the text, the last piece first.
    fn pieces(&self, index: u32, each: bool) -> Vec<ChunkChoice> {
        let mut ends: Vec<_> = match each {
            true => (0..=self.text.len()).collect(),
            false => self.cuts.iter().map(|cut| cut.index(self.text.len() + 1)).collect(),
        };
        ends.extend([0, self.text.len()]);
        ends.retain(|end| self.text.is_char_boundary(*end));
        ends.sort_unstable();
        let piece = |ends: &[usize]| Delta::text(&self.text[ends[0]..ends[1]]);
        let mut deltas: Vec<_> = ends.windows(2).map(piece).collect();
        deltas[0].reasoning_content = self.reasoning();
        let last = deltas.len() - 1;
        let own = |at: usize| {
            let first = if at == 0 { self.own(false) } else { Vec::new() };
            [first, if at == last { self.own(true) } else { Vec::new() }].concat()
        };
        for (at, delta) in deltas.iter_mut().enumerate() {
            delta.extra = extra(own(at));
            delta.role = (at < self.names).then_some(Role::Assistant);
        }
        let mut pieces: Vec<_> = deltas.into_iter().map(ChunkChoice::from).collect();
        match pieces.last_mut() {
            Some(last) if self.closes => last.finish_reason = Some(FinishReason::Stop),
            _ => pieces.push(ChunkChoice::from(FinishReason::Stop)),
        }
        pieces.iter_mut().for_each(|piece| piece.index = index);
        pieces.reverse();
        pieces
    }
}

fn extra(own: Vec<Value>) -> Extra {
    let field = ("annotations".to_owned(), Value::from(own));
    [field].into_iter().filter(|(_, own)| *own != json!([])).collect()
}

impl Answer {
    fn usage(&self) -> Option<Usage> {
        self.usage.then(|| Usage::estimate(3, 4))
    }

    pub(super) fn whole(&self) -> ChatStream {
        let choices = (0..).zip(&self.choices).map(|(index, said)| said.whole(index)).collect();
        let usage = self.usage();
        let body = CompletionBody { choices, usage, ..CompletionBody::default() };
        ChatStream::whole(Completion::from(CompletionBody {
            id: "chatcmpl-1".into(),
            model: "demo".into(),
            created: 7,
            ..body
        }))
    }

    /// Streams the answer; cut behind `each` character or as it says itself.
    pub(super) fn streamed(&self, each: bool) -> ChatStream {
        let head = ChunkBody {
            id: "chatcmpl-1".into(),
            model: "demo".into(),
            created: 7,
            ..ChunkBody::default()
        };
        let preface = head.clone();
        let choices = (0..).zip(&self.choices);
        let mut queues: Vec<_> = choices.map(|(index, said)| said.pieces(index, each)).collect();
        let mut bodies = Vec::new();
        for order in self.order.iter().cycle() {
            queues.retain(|queue| !queue.is_empty());
            if queues.is_empty() {
                break;
            }
            let at = order.index(queues.len());
            let choices = queues[at].pop().into_iter().collect();
            bodies.push(ChunkBody { choices, ..head.clone() });
        }
        let usage = self.usage().map(|usage| ChunkBody { usage: Some(usage), ..head });
        let preface = self.prefaced.then_some(preface).into_iter();
        let chunks = preface.chain(bodies).chain(usage);
        let chunks = chunks.map(|body| Ok(ChatItem::Chunk(Chunk::from(body))));
        ChatStream::new(futures::stream::iter(chunks.collect::<Vec<_>>()))
    }
}
