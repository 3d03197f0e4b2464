#![doc = include_str!("../README.md")]

mod answer;
mod cell;
mod courier;
mod engine;
mod exit;
mod fault;
mod flow;
mod message;
mod object;
mod pending;
mod piece;
mod pool;
mod process;
mod program;
mod reader;

use pyo3::prelude::*;

/// The compiled half of the package `llm2api`, which re-exports what is public.
#[pymodule]
mod _llm2api {
    #[pymodule_export]
    use super::answer::{ChatCompletion, Choice, Usage};
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::exit::close_all;
    #[pymodule_export]
    use super::message::{Function, Message, ToolCall};
    #[pymodule_export]
    use super::object::Object;
    #[pymodule_export]
    use super::pending::Pending;
    #[pymodule_export]
    use super::piece::{Chunk, ChunkChoice, Delta, FunctionDelta, ToolCallDelta};
    #[pymodule_export]
    use super::pool::{Account, Checked, Model};
    #[pymodule_export]
    use super::program::main;
    #[pymodule_export]
    use super::reader::Reader;

    /// Version of the package, the same as that of the engine.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python looks for this very name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
