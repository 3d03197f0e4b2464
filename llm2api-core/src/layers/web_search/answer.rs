//! Shows in an answer what the search for it has found.

mod additions;
mod choices;

use std::collections::VecDeque;
use std::sync::Arc;

use futures::{StreamExt, stream};

use self::additions::Additions;
use self::choices::Choices;
use crate::chat::{
    ChatItem, ChatStream, Chunk, ChunkBody, ChunkChoice, Delta, FinishReason, SearchNote,
};
use crate::error::Result;
use crate::search::Source;

/// What a search has led to.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    /// What is said of it.
    pub(super) note: SearchNote,
    /// The pages that the model was shown, in the order of their numbers.
    pub(super) sources: Arc<[Source]>,
    /// Whether the answer begins with a list of them.
    pub(super) block: bool,
}

/// Adds the findings to an answer, streamed or whole: the note, the list of sources, and an
/// annotation for each entry of the list and each place that cites one.
///
/// Where there are no sources, only the note is added. What the upstream sends goes on as it came,
/// but for a chunk that holds text and the end: the annotations come between the two.
pub(super) fn with_findings(stream: ChatStream, findings: Findings) -> ChatStream {
    let (note, ignored) = (findings.note.clone(), stream.ignored_parameters().to_vec());
    let answer = Answer::new(stream, findings);
    let stream = ChatStream::new(stream::unfold(answer, |mut answer| async move {
        let item = answer.next().await?;
        Some((item, answer))
    }));
    stream.with_ignored(ignored).with_search_note(note)
}

/// An answer on its way.
struct Answer {
    stream: ChatStream,
    additions: Additions,
    choices: Choices,
    ready: VecDeque<ChatItem>,
    /// What all chunks share; none before the first one.
    head: Option<ChunkBody>,
}

impl Answer {
    fn new(stream: ChatStream, findings: Findings) -> Self {
        let choices = Choices::new(findings.sources.len());
        let additions = Additions::new(findings);
        Self { stream, additions, choices, ready: VecDeque::new(), head: None }
    }

    async fn next(&mut self) -> Option<Result<ChatItem>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
            }
            match self.stream.next().await {
                Some(Ok(ChatItem::Chunk(chunk))) => self.read(chunk),
                Some(Ok(ChatItem::Whole(whole))) => {
                    let whole = self.additions.complete(*whole);
                    return Some(whole.map(|whole| ChatItem::Whole(Box::new(whole))));
                }
                Some(Ok(item)) => return Some(Ok(item)),
                Some(Err(error)) => return Some(Err(error)),
                None => self.close()?,
            }
        }
    }

    fn read(&mut self, chunk: Chunk) {
        if self.head.is_none() {
            self.begin(&chunk);
        }
        if self.additions.is_empty() {
            return self.pass(chunk);
        }
        for choice in &chunk.body().choices {
            self.lead(choice.index);
            self.choices.say(choice.index, choice.delta.content.as_deref().unwrap_or_default());
        }
        let (said, ended) = halves(self.additions.moved(chunk));
        let over: Vec<_> = ended_choices(&ended).collect();
        if let Some(said) = said {
            self.pass(said);
        }
        over.into_iter().for_each(|index| self.annotate(index));
        self.pass(ended);
    }

    /// Says before anything else what has been found.
    fn begin(&mut self, first: &Chunk) {
        self.head = Some(first.body().head());
        self.choices.open(0);
        let choices = vec![self.additions.first(0)];
        let extra = self.additions.note();
        self.emit(ChunkBody { choices, extra, ..ChunkBody::default() });
    }

    /// Begins another choice, where one is begun by a list of sources.
    fn lead(&mut self, index: u32) {
        if self.choices.open(index) && self.additions.lead() {
            self.emit_choice(self.additions.first(index));
        }
    }

    /// Ends a choice, with the annotations that are known now only.
    fn annotate(&mut self, index: u32) {
        let Some(said) = self.choices.end(index) else { return };
        let annotations = self.additions.of_text(said);
        if !annotations.is_empty() {
            self.emit_choice(choice(index, additions::delta(annotations)));
        }
    }

    /// Ends what the upstream has left open; none where there is nothing to add.
    fn close(&mut self) -> Option<()> {
        if !self.additions.is_empty() {
            self.choices.left().into_iter().for_each(|index| self.annotate(index));
        }
        (!self.ready.is_empty()).then_some(())
    }

    fn emit_choice(&mut self, choice: ChunkChoice) {
        self.emit(ChunkBody { choices: vec![choice], ..ChunkBody::default() });
    }

    /// Sends a chunk of ours, under the head of the upstream's.
    fn emit(&mut self, body: ChunkBody) {
        let ChunkBody { id, created, model, .. } = self.head.clone().unwrap_or_default();
        self.pass(Chunk::from(ChunkBody { id, created, model, ..body }));
    }

    fn pass(&mut self, chunk: Chunk) {
        self.ready.push_back(ChatItem::Chunk(chunk));
    }
}

fn choice(index: u32, delta: Delta) -> ChunkChoice {
    ChunkChoice { index, delta, ..ChunkChoice::default() }
}

fn ended_choices(chunk: &Chunk) -> impl Iterator<Item = u32> {
    let ended = chunk.body().choices.iter().filter(|choice| choice.finish_reason.is_some());
    ended.map(|choice| choice.index)
}

/// Parts the text of a chunk from the end that it holds as well; most hold only one of the two.
fn halves(chunk: Chunk) -> (Option<Chunk>, Chunk) {
    let both = |choice: &ChunkChoice| choice.finish_reason.is_some() && counts(&choice.delta);
    if !chunk.body().choices.iter().any(both) {
        return (None, chunk);
    }
    let mut said = chunk.body().clone();
    let mut ended = ChunkBody { choices: Vec::new(), ..said.clone() };
    said.usage = None;
    for choice in &mut said.choices {
        if let Some(reason) = choice.finish_reason.take() {
            ended.choices.push(end(choice, reason));
        }
    }
    (Some(Chunk::from(said)), Chunk::from(ended))
}

/// Says whether annotations of ours have to come behind what is gained here.
fn counts(delta: &Delta) -> bool {
    let text = delta.content.as_ref().is_some_and(|text| !text.is_empty());
    text || delta.extra.contains_key(additions::FIELD)
}

fn end(choice: &mut ChunkChoice, reason: FinishReason) -> ChunkChoice {
    let extra = std::mem::take(&mut choice.extra);
    ChunkChoice { index: choice.index, extra, ..ChunkChoice::from(reason) }
}

#[cfg(test)]
mod tests;
