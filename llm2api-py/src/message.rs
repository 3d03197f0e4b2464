//! What a model said.

use llm2api_core::{AssistantMessage, FunctionCall as FunctionBody, ToolCall as ToolCallBody};
use pyo3::prelude::*;

use crate::object::{object, optional, shapes};

shapes!(AssistantMessage, ToolCallBody, FunctionBody);

object! {
    /// What the model said. It may stand among the messages of the next request.
    readable Message(AssistantMessage) {
        /// `assistant`.
        #[getter]
        fn role(&self) -> &'static str {
            self.0.role.as_str()
        }

        /// Text; None where the model only calls tools.
        #[getter]
        fn content(&self) -> Option<&str> {
            self.0.content.as_deref()
        }

        /// Reasoning.
        #[getter]
        fn reasoning_content(&self) -> Option<&str> {
            self.0.reasoning_content.as_deref()
        }

        /// Text in which the model refuses.
        #[getter]
        fn refusal(&self) -> Option<&str> {
            self.0.refusal.as_deref()
        }

        /// Calls that the model makes.
        #[getter]
        fn tool_calls(&self) -> Option<Vec<ToolCall>> {
            let calls = self.0.tool_calls.as_ref()?;
            Some(calls.iter().cloned().map(ToolCall).collect())
        }

        /// A call in the older form; None where there is none.
        #[getter]
        fn function_call<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            optional(py, &self.0, "function_call")
        }

        /// Speech; None where there is none.
        #[getter]
        fn audio<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            optional(py, &self.0, "audio")
        }

        /// What the answer cites, such as pages that a web search has found.
        #[getter]
        fn annotations<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
            optional(py, &self.0, "annotations")
        }
    }
}

object! {
    /// A call that the model makes.
    readable ToolCall(ToolCallBody) {
        /// The call's id; the tool's answer names it.
        #[getter]
        fn id(&self) -> &str {
            &self.0.id
        }

        /// `function`, for all calls that upstreams make today.
        #[getter]
        fn r#type(&self) -> &str {
            &self.0.kind
        }

        /// The function and its arguments.
        #[getter]
        fn function(&self) -> Function {
            Function(self.0.function.clone())
        }
    }
}

object! {
    /// A function's name and the arguments for one call.
    readable Function(FunctionBody) {
        /// The function's name.
        #[getter]
        fn name(&self) -> &str {
            &self.0.name
        }

        /// The arguments as a JSON text, as the model wrote it.
        #[getter]
        fn arguments(&self) -> &str {
            &self.0.arguments
        }
    }
}
