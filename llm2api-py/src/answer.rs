//! A whole answer.

use llm2api_core::chat::Extra;
use llm2api_core::{
    Choice as ChoiceBody, Completion, CompletionBody, FinishReason, Usage as UsageBody,
};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use crate::message::Message;
use crate::object::{Readable, Shape, object, optional, read, shapes, to_python};
use crate::reader::Reader;

shapes!(ChoiceBody, UsageBody);

/// What a call comes to.
pub(crate) enum Answer {
    Whole(Box<ChatCompletion>),
    Pieces(Reader),
}

impl<'py> IntoPyObject<'py> for Answer {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Whole(completion) => (*completion).into_bound_py_any(py),
            Self::Pieces(reader) => reader.into_bound_py_any(py),
        }
    }
}

/// A whole answer, and what is known about the call.
#[derive(Debug)]
pub(crate) struct Answered {
    completion: Completion,
    ignored: Vec<String>,
    request_id: Option<String>,
}

impl Shape for Answered {
    fn extra(&self) -> Option<&Extra> {
        Some(&self.completion.body().extra)
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.completion.write_json(out);
    }

    fn same(&self, other: &Self) -> bool {
        self.completion.body() == other.completion.body()
    }
}

impl Readable for Answered {
    fn from_json(json: &str) -> PyResult<Self> {
        let completion = read::<CompletionBody>(json)?.into();
        Ok(Self { completion, ignored: Vec::new(), request_id: None })
    }
}

impl ChatCompletion {
    pub(crate) fn new(completion: Completion, ignored: Vec<String>, request_id: String) -> Self {
        Self(Answered { completion, ignored, request_id: Some(request_id) })
    }

    fn body(&self) -> &CompletionBody {
        self.0.completion.body()
    }
}

object! {
    /// A whole answer.
    readable ChatCompletion(Answered) {
        /// The text of the first choice, empty where there is none.
        #[getter]
        fn text(&self) -> &str {
            self.0.completion.text()
        }

        /// Why the first choice ended.
        #[getter]
        fn finish_reason(&self) -> Option<&'static str> {
            self.0.completion.finish_reason().map(FinishReason::as_str)
        }

        /// Token counts.
        #[getter]
        fn usage(&self) -> Option<Usage> {
            self.body().usage.clone().map(Usage)
        }

        /// The answers; one, unless more were asked for.
        #[getter]
        fn choices(&self) -> Vec<Choice> {
            self.body().choices.iter().cloned().map(Choice).collect()
        }

        /// The answer's id.
        #[getter]
        fn id(&self) -> &str {
            &self.body().id
        }

        /// `chat.completion`.
        #[getter]
        fn object(&self) -> &str {
            self.body().object.as_str()
        }

        /// When the answer began, in seconds since 1970.
        #[getter]
        fn created(&self) -> u64 {
            self.body().created
        }

        /// The model that answered.
        #[getter]
        fn model(&self) -> &str {
            &self.body().model
        }

        /// What the upstream's service is made up of; None where it does not say.
        #[getter]
        fn system_fingerprint<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            optional(py, &self.0, "system_fingerprint")
        }

        /// How the call was served; None where the upstream does not say.
        #[getter]
        fn service_tier<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            optional(py, &self.0, "service_tier")
        }

        /// What a web search for the call has led to; None where nobody searched.
        #[getter]
        fn llm2api_search<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            optional(py, &self.0, "llm2api_search")
        }

        /// The parameters of the request that the answer does not go by.
        #[getter]
        fn ignored_parameters(&self) -> Vec<String> {
            self.0.ignored.clone()
        }

        /// The id of the call; None in an answer that was made of its JSON.
        #[getter]
        fn request_id(&self) -> Option<&str> {
            self.0.request_id.as_deref()
        }
    }
}

object! {
    /// One answer.
    readable Choice(ChoiceBody) {
        /// Which answer this is.
        #[getter]
        fn index(&self) -> u32 {
            self.0.index
        }

        /// What the model said.
        #[getter]
        fn message(&self) -> Message {
            Message(self.0.message.clone())
        }

        /// Why it ended.
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
    /// How many tokens a call took.
    readable Usage(UsageBody) {
        /// Tokens of the request.
        #[getter]
        fn prompt_tokens(&self) -> u64 {
            self.0.prompt_tokens
        }

        /// Tokens of the answer.
        #[getter]
        fn completion_tokens(&self) -> u64 {
            self.0.completion_tokens
        }

        /// Both together.
        #[getter]
        fn total_tokens(&self) -> u64 {
            self.0.total_tokens
        }

        /// What the tokens of the request were; None where the upstream does not say.
        #[getter]
        fn prompt_tokens_details<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            optional(py, &self.0, "prompt_tokens_details")
        }

        /// What the tokens of the answer were; None where the upstream does not say.
        #[getter]
        fn completion_tokens_details<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            optional(py, &self.0, "completion_tokens_details")
        }

        /// Whether no upstream counted and the figures are an estimate.
        #[getter]
        fn llm2api_estimated(&self) -> bool {
            self.0.estimated
        }
    }
}
