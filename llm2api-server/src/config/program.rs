//! A program that can be started.

use std::ffi::OsString;
use std::path::PathBuf;

/// A program that can be started, with the arguments that it always gets first.
///
/// # Example
/// ```
/// use llm2api_server::config::Program;
///
/// let program = Program::new("/usr/bin/python3").with_arguments(["-I", "-m", "llm2api"]);
/// assert_eq!(program.arguments.len(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// What stands in front of all other arguments.
    pub arguments: Vec<OsString>,
}

impl Program {
    /// Names a program by its path, best a whole one.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), arguments: Vec::new() }
    }

    /// Sets the arguments that it always gets first; none.
    #[must_use]
    pub fn with_arguments(
        mut self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }
}
