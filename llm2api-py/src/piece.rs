//! The pieces of a streamed answer.

use llm2api_core::chat::{Extra, FunctionDelta as FunctionDeltaBody};
use llm2api_core::{
    Chunk as ChunkDocument, ChunkBody, ChunkChoice as ChunkChoiceBody, Delta as DeltaBody,
    FinishReason, Role, ToolCallDelta as ToolCallDeltaBody,
};
use pyo3::prelude::*;

use crate::answer::Usage;
use crate::object::{Readable, Shape, object, optional, read, shapes, to_python, write};

shapes!(ChunkChoiceBody, DeltaBody, ToolCallDeltaBody);

impl Shape for FunctionDeltaBody {
    fn extra(&self) -> Option<&Extra> {
        None
    }

    fn write(&self, out: &mut Vec<u8>) {
        write(self, out);
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

impl Readable for FunctionDeltaBody {
    fn from_json(json: &str) -> PyResult<Self> {
        read(json)
    }
}

impl Shape for ChunkDocument {
    fn extra(&self) -> Option<&Extra> {
        Some(&self.body().extra)
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.write_json(out);
    }

    fn same(&self, other: &Self) -> bool {
        self.body() == other.body()
    }
}

impl Readable for ChunkDocument {
    fn from_json(json: &str) -> PyResult<Self> {
        read::<ChunkBody>(json).map(Self::from)
    }
}

object! {
    /// A piece of a streamed answer.
    readable Chunk(ChunkDocument) {
        /// The text that the first choice gained, empty where it gained none.
        #[getter]
        fn text(&self) -> &str {
            self.0.text()
        }

        /// The reasoning that the first choice gained, empty where it gained none.
        #[getter]
        fn reasoning(&self) -> &str {
            self.0.reasoning()
        }

        /// Why the first choice ended, in the chunk that ends it.
        #[getter]
        fn finish_reason(&self) -> Option<&'static str> {
            self.0.finish_reason().map(FinishReason::as_str)
        }

        /// Token counts, in the chunk that carries them.
        #[getter]
        fn usage(&self) -> Option<Usage> {
            self.0.usage().cloned().map(Usage)
        }

        /// The choices that gained something; none in a chunk of token counts alone.
        #[getter]
        fn choices(&self) -> Vec<ChunkChoice> {
            self.0.body().choices.iter().cloned().map(ChunkChoice).collect()
        }

        /// The answer's id, the same in all its chunks.
        #[getter]
        fn id(&self) -> &str {
            &self.0.body().id
        }

        /// `chat.completion.chunk`.
        #[getter]
        fn object(&self) -> &str {
            self.0.body().object.as_str()
        }

        /// When the answer began, in seconds since 1970.
        #[getter]
        fn created(&self) -> u64 {
            self.0.body().created
        }

        /// The model that answers.
        #[getter]
        fn model(&self) -> &str {
            &self.0.body().model
        }

        /// What the upstream's service is made up of; None where it does not say.
        #[getter]
        fn system_fingerprint<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            optional(py, &self.0, "system_fingerprint")
        }

        /// How the call is served; None where the upstream does not say.
        #[getter]
        fn service_tier<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            optional(py, &self.0, "service_tier")
        }

        /// What a web search for the call has led to, in the first chunk; None elsewhere.
        #[getter]
        fn llm2api_search<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            optional(py, &self.0, "llm2api_search")
        }
    }
}

object! {
    /// What one choice gained.
    readable ChunkChoice(ChunkChoiceBody) {
        /// Which choice this is.
        #[getter]
        fn index(&self) -> u32 {
            self.0.index
        }

        /// What it gained.
        #[getter]
        fn delta(&self) -> Delta {
            Delta(self.0.delta.clone())
        }

        /// Why it ended; None while it goes on.
        #[getter]
        fn finish_reason(&self) -> Option<&'static str> {
            self.0.finish_reason.map(FinishReason::as_str)
        }

        /// Log probabilities, as the upstream gave them.
        #[getter]
        fn logprobs<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            self.0.logprobs.as_ref().map(|value| to_python(py, value)).transpose()
        }
    }
}

object! {
    /// A gain.
    readable Delta(DeltaBody) {
        /// Who speaks, in the first chunk.
        #[getter]
        fn role(&self) -> Option<&'static str> {
            self.0.role.map(Role::as_str)
        }

        /// Text.
        #[getter]
        fn content(&self) -> Option<&str> {
            self.0.content.as_deref()
        }

        /// Reasoning.
        #[getter]
        fn reasoning_content(&self) -> Option<&str> {
            self.0.reasoning_text()
        }

        /// Text in which the model refuses.
        #[getter]
        fn refusal(&self) -> Option<&str> {
            self.0.refusal.as_deref()
        }

        /// Pieces of calls.
        #[getter]
        fn tool_calls(&self) -> Option<Vec<ToolCallDelta>> {
            let calls = self.0.tool_calls.as_ref()?;
            Some(calls.iter().cloned().map(ToolCallDelta).collect())
        }
    }
}

object! {
    /// A piece of a call.
    readable ToolCallDelta(ToolCallDeltaBody) {
        /// Which call this belongs to.
        #[getter]
        fn index(&self) -> u32 {
            self.0.index
        }

        /// The call's id, in its first piece.
        #[getter]
        fn id(&self) -> Option<&str> {
            self.0.id.as_deref()
        }

        /// `function`, in the call's first piece.
        #[getter]
        fn r#type(&self) -> Option<&str> {
            self.0.kind.as_deref()
        }

        /// The function's name and a piece of its arguments.
        #[getter]
        fn function(&self) -> Option<FunctionDelta> {
            self.0.function.clone().map(FunctionDelta)
        }
    }
}

object! {
    /// A function's name, and a piece of its arguments.
    readable FunctionDelta(FunctionDeltaBody) {
        /// The name, in the call's first piece.
        #[getter]
        fn name(&self) -> Option<&str> {
            self.0.name.as_deref()
        }

        /// A piece of the arguments' JSON text.
        #[getter]
        fn arguments(&self) -> Option<&str> {
            self.0.arguments.as_deref()
        }
    }
}
