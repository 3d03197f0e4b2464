//! A streamed answer as the events of Messages.

use llm2api_core::Chunk;
use serde::Serialize;

use super::answer::{Content, Counts, End, Message, input, is_cut};
use super::write_error;
use crate::dialect::{Blocks, Kind, Step};
use crate::openai::error::Failure;
use crate::sse::{Encode, write_named};

const PING: &[u8] = b"event: ping\ndata: {\"type\":\"ping\"}\n\n";

/// Writes an answer as the events of Messages: `message_stop` ends it, and `error` one that broke.
#[derive(Debug)]
pub(crate) struct MessageEvents {
    id: String,
    model: String,
    stop_sequences: Vec<String>,
    /// What the prompt may take; the true count comes at the end.
    prompt: u64,
    blocks: Blocks,
    begun: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event<'a> {
    MessageStart { message: Message<'a> },
    ContentBlockStart { index: usize, content_block: Content<'a> },
    ContentBlockDelta { index: usize, delta: Delta<'a> },
    ContentBlockStop { index: usize },
    MessageDelta { delta: End<'a>, usage: Counts },
    MessageStop,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'static str },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: &'a str },
}

impl MessageEvents {
    /// Makes the events of one answer.
    pub(crate) fn new(id: String, model: String, stop_sequences: Vec<String>, prompt: u64) -> Self {
        Self { id, model, stop_sequences, prompt, blocks: Blocks::default(), begun: false }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let usage = Counts::guess(self.prompt);
        let (tag, role, end) = ("message", "assistant", End::default());
        let (id, model, content) = (&self.id, &self.model, Vec::new());
        let message = Message { id, tag, role, model, content, end, usage };
        Event::MessageStart { message }.write(out);
    }

    fn tell(&self, steps: Vec<Step>, out: &mut Vec<u8>) -> Result<(), Failure> {
        steps.into_iter().try_for_each(|step| self.step(step, out))
    }

    fn step(&self, step: Step, out: &mut Vec<u8>) -> Result<(), Failure> {
        let row = self.blocks.row();
        match step {
            Step::Begin(index) => {
                let content_block = Content::begun(&row[index], &self.id, index);
                Event::ContentBlockStart { index, content_block }.write(out);
            }
            Step::Grow(index, range) => {
                let piece = &row[index].text[range];
                let delta = match row[index].kind {
                    Kind::Reasoning => Delta::Thinking { thinking: piece },
                    Kind::Text | Kind::Refusal => Delta::Text { text: piece },
                    Kind::Call { .. } => Delta::Input { partial_json: piece },
                };
                Event::ContentBlockDelta { index, delta }.write(out);
            }
            Step::End(index) => self.end_block(index, out)?,
        }
        Ok(())
    }

    fn end_block(&self, index: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
        let block = &self.blocks.row()[index];
        match block.kind {
            // The end of the answer says that it was cut.
            Kind::Call { .. } if is_cut(&self.blocks, index) => {}
            // What no client can read must not look like a whole call.
            Kind::Call { .. } => drop(input(&block.text)?),
            Kind::Reasoning => {
                let delta = Delta::Signature { signature: "" };
                Event::ContentBlockDelta { index, delta }.write(out);
            }
            Kind::Text | Kind::Refusal => {}
        }
        Event::ContentBlockStop { index }.write(out);
        Ok(())
    }
}

impl Encode for MessageEvents {
    const SIGN_OF_LIFE: &'static [u8] = PING;

    fn chunk(&mut self, chunk: Chunk, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.begin(out);
        let steps = self.blocks.push(chunk.into_body()?)?;
        self.tell(steps, out)
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.begin(out);
        let mut steps = Vec::new();
        self.blocks.finish(&mut steps);
        let end = End::of(&self.blocks, &self.stop_sequences)?;
        self.tell(steps, out)?;
        let usage = self.blocks.usage.as_ref();
        let usage = usage.map_or_else(|| Counts::guess(self.prompt), Counts::from);
        Event::MessageDelta { delta: end, usage }.write(out);
        Event::MessageStop.write(out);
        Ok(())
    }

    fn fail(&mut self, failure: &Failure, request_id: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: error\ndata: ");
        write_error(failure, request_id, out);
        out.extend_from_slice(b"\n\n");
    }
}

impl Event<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_named(self.name(), self, out);
    }
}
