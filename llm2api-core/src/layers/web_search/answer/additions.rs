//! What is added to an answer, in the forms of both modes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Findings, choice};
use crate::chat::{
    AssistantMessage, Chunk, ChunkChoice, Completion, Delta, Extra, Role, SearchNote,
};
use crate::error::Result;
use crate::search::{Block, Citation, Citations, Source, block};

/// Where annotations stand in a message, and in a delta.
pub(super) const FIELD: &str = "annotations";

/// All that an answer gains.
pub(super) struct Additions {
    note: SearchNote,
    sources: Arc<[Source]>,
    block: Option<Block>,
}

impl Additions {
    pub(super) fn new(Findings { note, sources, block: wanted }: Findings) -> Self {
        let failed = note.code().is_some();
        let sources = if failed { Arc::default() } else { sources };
        let block = wanted.then(|| block(&sources)).flatten();
        Self { note, sources, block }
    }

    /// Says whether the note is all.
    pub(super) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Says whether a list of sources leads each choice.
    pub(super) fn lead(&self) -> bool {
        self.block.is_some()
    }

    /// The note as a field of the answer.
    pub(super) fn note(&self) -> Extra {
        let note = serde_json::to_value(&self.note).expect("strings and a number have a JSON form");
        [(SearchNote::FIELD.to_owned(), note)].into_iter().collect()
    }

    /// What comes first of a choice.
    pub(super) fn first(&self, index: u32) -> ChunkChoice {
        let content = self.block.as_ref().map(|block| block.text.clone()).unwrap_or_default();
        let role = Some(Role::Assistant);
        let delta = delta(self.of_block());
        choice(index, Delta { role, content: Some(content), ..delta })
    }

    /// Annotates the list of sources.
    fn of_block(&self) -> Vec<Value> {
        let entries = self.block.iter().flat_map(|block| &block.entries);
        let pairs = entries.zip(self.sources.iter());
        pairs.map(|(entry, source)| annotation(source, entry.start, entry.end)).collect()
    }

    /// Annotates what a choice has said; without a list, also with the sources that it has not
    /// cited.
    pub(super) fn of_text(&self, said: Citations) -> Vec<Value> {
        let (end, shift) = (said.length(), self.shift());
        let mut places: Vec<_> = said.finish();
        let mut cited = vec![self.lead(); self.sources.len()];
        places.iter().for_each(|place| cited[place.source] = true);
        let silent = (0..).zip(cited).filter(|(_, cited)| !cited);
        places.extend(silent.map(|(source, _)| Citation { source, start: end, end }));
        let annotate = |place: Citation| {
            annotation(&self.sources[place.source], place.start + shift, place.end + shift)
        };
        places.into_iter().map(annotate).collect()
    }

    /// How far the list moves what the upstream has said, in characters.
    fn shift(&self) -> usize {
        self.block.as_ref().map_or(0, |block| block.length)
    }

    /// Moves annotations that the upstream made itself; other chunks stay as they are.
    pub(super) fn moved(&self, chunk: Chunk) -> Chunk {
        let has = |choice: &ChunkChoice| choice.delta.extra.contains_key(FIELD);
        if !chunk.body().choices.iter().any(has) {
            return chunk;
        }
        let mut body = chunk.body().clone();
        for choice in &mut body.choices {
            match self.take_moved(&mut choice.delta.extra) {
                Some(list) => drop(choice.delta.extra.insert(FIELD.into(), list.into())),
                // Nothing to add to; what collects the answer would lose ours over it.
                None => drop(choice.delta.extra.shift_remove(FIELD)),
            }
        }
        Chunk::from(body)
    }

    /// Takes out the annotations that are there already; none where there is no list of them.
    fn take_moved(&self, extra: &mut Extra) -> Option<Vec<Value>> {
        let mut list = std::mem::take(extra.get_mut(FIELD)?.as_array_mut()?);
        list.iter_mut().for_each(|annotation| shift(annotation, self.shift()));
        Some(list)
    }

    /// Adds all to an answer that came whole.
    pub(super) fn complete(&self, whole: Completion) -> Result<Completion> {
        let mut body = whole.into_body()?;
        body.extra.extend(self.note());
        if !self.is_empty() {
            body.choices.iter_mut().for_each(|choice| self.add_to(&mut choice.message));
        }
        Ok(Completion::from(body))
    }

    fn add_to(&self, message: &mut AssistantMessage) {
        let mut said = Citations::new(self.sources.len());
        said.push(message.content.as_deref().unwrap_or_default());
        if let Some(block) = &self.block {
            message.content.get_or_insert_default().insert_str(0, &block.text);
        }
        let mut annotations = self.of_block();
        annotations.extend(self.take_moved(&mut message.extra).unwrap_or_default());
        annotations.extend(self.of_text(said));
        message.extra.insert(FIELD.into(), annotations.into());
    }
}

/// Makes a gain of annotations, if there are any.
pub(super) fn delta(annotations: Vec<Value>) -> Delta {
    let mut delta = Delta::default();
    if !annotations.is_empty() {
        delta.extra.insert(FIELD.into(), annotations.into());
    }
    delta
}

fn annotation(source: &Source, start: usize, end: usize) -> Value {
    json!({"type": "url_citation", "url_citation": {
        "start_index": start, "end_index": end, "url": source.url, "title": source.title,
    }})
}

fn shift(annotation: &mut Value, by: usize) {
    let Some(citation) = annotation.get_mut("url_citation") else { return };
    for field in ["start_index", "end_index"] {
        if let Some(index) = citation.get_mut(field)
            && let Some(old) = index.as_u64()
        {
            *index = old.saturating_add(by as u64).into();
        }
    }
}
