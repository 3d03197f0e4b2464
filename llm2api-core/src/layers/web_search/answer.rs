//! Shows in an answer what the search for it has found.

mod additions;
mod annotations;
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
use crate::search::{ANNOTATIONS, Source};

/// What a search has led to.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    /// What is said of it.
    pub(super) note: SearchNote,
    /// The pages that the model was shown, in the order of their numbers.
    pub(super) sources: Arc<[Source]>,
    /// Whether the answer begins with a list of them.
    pub(super) block: bool,
    /// Whether a number in brackets cites one of them.
    pub(super) cites: bool,
}

/// Adds the findings to an answer, streamed or whole: the note, the list of sources, and an
/// annotation for each entry of the list and each place that cites one.
///
/// Where there are no sources, only the note is added. What the upstream sends goes on as it came,
/// with three exceptions, since programs join what they are sent. The role of a choice comes once, in
/// its first chunk, which is ours where a list leads it. All annotations of a choice come together,
/// shortly before its end; the upstream's own wait for that. A chunk that holds text and the end is
/// parted, and they come in between.
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
    /// What all chunks share; none before the first one that has a choice.
    head: Option<ChunkBody>,
    /// The choice whose role is ours, while the upstream's may yet come.
    named: Option<u32>,
}

impl Answer {
    fn new(stream: ChatStream, findings: Findings) -> Self {
        let additions = Additions::new(findings);
        let choices = Choices::new(additions.citable());
        Self { stream, additions, choices, ready: VecDeque::new(), head: None, named: None }
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
        if self.head.is_none() && !self.begin(&chunk) {
            return self.pass(chunk);
        }
        if self.additions.is_empty() {
            let chunk = self.nameless(chunk);
            return self.pass(chunk);
        }
        for choice in &chunk.body().choices {
            self.lead(choice.index);
            self.choices.say(choice.index, choice.delta.content.as_deref().unwrap_or_default());
        }
        let (said, ended) = halves(self.relieved(chunk));
        let over: Vec<_> = ended_choices(&ended).collect();
        if let Some(said) = said {
            self.pass(said);
        }
        over.into_iter().for_each(|index| self.annotate(index));
        self.pass(ended);
    }

    /// Says before any choice does what has been found; false where a chunk has none. Such a chunk
    /// may lack the id and the model as well, which ours are to share.
    fn begin(&mut self, first: &Chunk) -> bool {
        let Some(index) = first.body().choices.first().map(|choice| choice.index) else {
            return false;
        };
        self.head = Some(first.body().head());
        self.choices.open(index);
        self.choices.name(index);
        self.named = Some(index);
        let choices = vec![self.additions.first(index)];
        let extra = self.additions.note();
        self.emit(ChunkBody { choices, extra, ..ChunkBody::default() });
        true
    }

    /// Begins another choice, where one is begun by a list of sources.
    fn lead(&mut self, index: u32) {
        if self.choices.open(index) && self.additions.lead() {
            self.choices.name(index);
            self.emit_choice(self.additions.first(index));
        }
    }

    /// Takes out the role that ours has said before. It comes with the first content at the latest;
    /// behind that, nobody looks into the chunks.
    fn nameless(&mut self, chunk: Chunk) -> Chunk {
        let Some(named) = self.named else { return chunk };
        let mut choices = chunk.body().choices.iter();
        let Some(at) = choices.position(|choice| choice.index == named) else { return chunk };
        let delta = &chunk.body().choices[at].delta;
        let has_role = delta.role.is_some();
        if has_role || delta.has_content() {
            self.named = None;
        }
        if !has_role {
            return chunk;
        }
        let mut body = chunk.body().clone();
        body.choices[at].delta.role = None;
        Chunk::from(body)
    }

    /// Takes out roles that are known, and annotations, which are held back; a chunk without any
    /// stays as it is.
    fn relieved(&mut self, chunk: Chunk) -> Chunk {
        let spare = |choice: &ChunkChoice| {
            let again = choice.delta.role.is_some() && self.choices.is_named(choice.index);
            again || choice.delta.extra.contains_key(ANNOTATIONS)
        };
        let changes = chunk.body().choices.iter().any(spare);
        let mut body = changes.then(|| chunk.body().clone());
        for choice in body.iter_mut().flat_map(|body| &mut body.choices) {
            choice.delta.role = choice.delta.role.filter(|_| !self.choices.is_named(choice.index));
            let own = self.additions.moved(choice.delta.extra.shift_remove(ANNOTATIONS));
            self.choices.hold(choice.index, own);
        }
        let chunk = body.map_or(chunk, Chunk::from);
        let named = chunk.body().choices.iter().filter(|choice| choice.delta.role.is_some());
        named.for_each(|choice| self.choices.name(choice.index));
        chunk
    }

    /// Ends a choice, with its annotations.
    fn annotate(&mut self, index: u32) {
        let Some(gains) = self.choices.end(index) else { return };
        let mut delta = Delta::default();
        delta.extra.insert(ANNOTATIONS.into(), self.additions.annotations(gains).into());
        self.emit_choice(choice(index, delta));
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

/// Parts the text of a chunk, and who says it, from the end that it holds as well; most hold only one
/// of the two.
fn halves(chunk: Chunk) -> (Option<Chunk>, Chunk) {
    let both = |choice: &ChunkChoice| {
        let text = choice.delta.content.as_deref().unwrap_or_default();
        choice.finish_reason.is_some() && (!text.is_empty() || choice.delta.role.is_some())
    };
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

fn end(choice: &mut ChunkChoice, reason: FinishReason) -> ChunkChoice {
    let extra = std::mem::take(&mut choice.extra);
    ChunkChoice { index: choice.index, extra, ..ChunkChoice::from(reason) }
}

#[cfg(test)]
mod tests;
