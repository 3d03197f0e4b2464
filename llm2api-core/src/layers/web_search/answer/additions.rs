//! What is added to an answer, in the forms of both modes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::annotations::Gains;
use super::{Findings, choice};
use crate::chat::{AssistantMessage, ChunkChoice, Completion, Delta, Extra, SearchNote};
use crate::error::Result;
use crate::search::{ANNOTATIONS, Block, Citation, Citations, Source, block};

/// All that an answer gains.
pub(super) struct Additions {
    note: SearchNote,
    sources: Arc<[Source]>,
    block: Option<Block>,
    cites: bool,
}

impl Additions {
    pub(super) fn new(findings: Findings) -> Self {
        let Findings { note, sources, block: wanted, cites } = findings;
        let failed = note.code().is_some();
        let sources = if failed { Arc::default() } else { sources };
        let block = wanted.then(|| block(&sources)).flatten();
        Self { note, sources, block, cites }
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

    /// How many sources a choice may cite.
    pub(super) fn citable(&self) -> usize {
        if self.cites { self.sources.len() } else { 0 }
    }

    /// What comes first of a choice.
    pub(super) fn first(&self, index: u32) -> ChunkChoice {
        let content = self.block.as_ref().map(|block| block.text.clone());
        choice(index, Delta { content: content.or(Some(String::new())), ..Delta::assistant() })
    }

    /// Annotates a choice that is over: the list of sources, what the upstream has annotated, the
    /// places that cite. Where there is no room for all, the list yields first: its links can be
    /// read anyway.
    pub(super) fn annotations(&self, mut gains: Gains) -> Vec<Value> {
        let places = gains.fitting(self.of_text(&gains.said));
        let block = gains.fitting(self.of_block());
        [block, gains.own, places].concat()
    }

    /// Annotates the list of sources.
    fn of_block(&self) -> Vec<Value> {
        let entries = self.block.iter().flat_map(|block| &block.entries);
        let pairs = entries.zip(self.sources.iter());
        pairs.map(|(entry, source)| annotation(source, entry.start, entry.end)).collect()
    }

    /// Annotates what a choice has said; without a list, also with the sources that it has not
    /// cited.
    fn of_text(&self, said: &Citations) -> Vec<Value> {
        let (end, shift) = (said.length(), self.shift());
        let mut places: Vec<_> = said.clone().finish();
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

    /// Moves annotations that the upstream made itself; none where there is no list of them.
    pub(super) fn moved(&self, own: Option<Value>) -> Vec<Value> {
        let Some(Value::Array(mut list)) = own else { return Vec::new() };
        list.iter_mut().for_each(|annotation| shift(annotation, self.shift()));
        list
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
        let mut gains = Gains::new(self.citable());
        gains.said.push(message.content.as_deref().unwrap_or_default());
        gains.hold(self.moved(message.extra.get_mut(ANNOTATIONS).map(Value::take)));
        if let Some(block) = &self.block {
            message.content.get_or_insert_default().insert_str(0, &block.text);
        }
        message.extra.insert(ANNOTATIONS.into(), self.annotations(gains).into());
    }
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
