//! A streamed answer as the events of Responses.

use std::io::Write as _;

use llm2api_core::Chunk;

use super::answer::{Template, status};
use super::output::Status;
use super::steps::Teller;
use crate::budget::Charge;
use crate::dialect::{Blocks, Step};
use crate::openai::error::Failure;
use crate::sse::Encode;

const COMMENT: &[u8] = b": keep-alive\n\n";

/// Writes an answer as the events of Responses: `response.completed` or `response.incomplete` ends
/// it, and `response.failed` one that broke.
#[derive(Debug)]
pub(crate) struct ResponseEvents {
    template: Template,
    blocks: Blocks,
    /// The number of the next event.
    number: u64,
    /// What the template takes of the budget of bodies.
    _charge: Charge,
}

impl ResponseEvents {
    /// Makes the events of one answer.
    pub(crate) fn new(template: Template, charge: Charge) -> Self {
        Self { template, blocks: Blocks::default(), number: 0, _charge: charge }
    }

    /// Tells of the response itself, once it has begun.
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.number == 0 {
            self.response("response.created", out, Template::write_begun);
            self.response("response.in_progress", out, Template::write_begun);
        }
    }

    fn response(
        &mut self,
        name: &str,
        out: &mut Vec<u8>,
        write: impl FnOnce(&Template, &mut Vec<u8>),
    ) {
        let number = self.number;
        self.number += 1;
        write!(
            out,
            "event: {name}\ndata: {{\"type\":\"{name}\",\"sequence_number\":{number},\"response\":"
        )
        .expect("a Vec takes every byte");
        write(&self.template, out);
        out.extend_from_slice(b"}\n\n");
    }

    fn tell(&mut self, steps: Vec<Step>, cut: bool, out: &mut Vec<u8>) {
        let row = self.blocks.row();
        for step in steps {
            let (Step::Begin(at) | Step::Grow(at, _) | Step::End(at)) = step;
            let (shape, block, number) = (&self.template.shape, &row[at], &mut self.number);
            let mut teller = Teller { shape, block, at, number, out: &mut *out };
            match step {
                Step::Begin(_) => teller.begin(),
                Step::Grow(_, range) => teller.grow(&block.text[range]),
                Step::End(_) if cut && at + 1 == row.len() => teller.end(Status::Incomplete),
                Step::End(_) => teller.end(Status::Completed),
            }
        }
    }
}

impl Encode for ResponseEvents {
    const SIGN_OF_LIFE: &'static [u8] = COMMENT;

    fn chunk(&mut self, chunk: Chunk, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.begin(out);
        let steps = self.blocks.push(chunk.into_body()?)?;
        self.tell(steps, false, out);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.begin(out);
        let mut steps = Vec::new();
        self.blocks.finish(&mut steps);
        let status = status(&self.blocks).ok_or_else(Failure::unfinished)?;
        self.tell(steps, status == Status::Incomplete, out);
        let blocks = std::mem::take(&mut self.blocks);
        let name = match status {
            Status::Incomplete => "response.incomplete",
            _ => "response.completed",
        };
        self.response(name, out, |template, out| template.write_ended(status, &blocks, out));
        Ok(())
    }

    fn fail(&mut self, failure: &Failure, _request_id: &str, out: &mut Vec<u8>) {
        self.begin(out);
        self.response("response.failed", out, |template, out| template.write_failed(failure, out));
    }
}
