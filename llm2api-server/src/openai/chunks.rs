//! A stream of chat-completion chunks.

use llm2api_core::Chunk;

use super::error::Failure;
use crate::sse::Encode;

const COMMENT: &[u8] = b": keep-alive\n\n";
const DONE: &[u8] = b"data: [DONE]\n\n";

/// Writes each chunk as one `data:` event: `[DONE]` after the last one, an error event without
/// `[DONE]` after a fault.
#[derive(Debug)]
pub(crate) struct Chunks;

impl Encode for Chunks {
    const SIGN_OF_LIFE: &'static [u8] = COMMENT;

    fn chunk(&mut self, chunk: Chunk, out: &mut Vec<u8>) -> Result<(), Failure> {
        out.extend_from_slice(b"data: ");
        chunk.write_json(out);
        out.extend_from_slice(b"\n\n");
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        out.extend_from_slice(DONE);
        Ok(())
    }

    fn fail(&mut self, failure: &Failure, request_id: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        failure.write_json(request_id, out);
        out.extend_from_slice(b"\n\n");
    }
}

#[cfg(test)]
mod tests;
