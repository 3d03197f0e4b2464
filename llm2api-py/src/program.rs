//! The command line of the server, run by Python.

use std::ffi::OsString;

use llm2api_server::config::Program;
use pyo3::prelude::*;

/// Does what a command line says, its first word the program's name, and returns the exit code.
///
/// `program` starts this very program anew, as its path and first arguments.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>, program: Vec<OsString>) -> u8 {
    py.detach(|| llm2api_server::main(arguments, own(program)))
}

/// Reads a path and the arguments behind it.
pub(crate) fn own(words: Vec<OsString>) -> Option<Program> {
    let mut words = words.into_iter();
    Some(Program::new(words.next()?).with_arguments(words))
}
