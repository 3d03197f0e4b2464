#![doc = include_str!("../README.md")]

use pyo3::prelude::*;

/// The compiled half of the package `llm2api`, which re-exports what is public.
#[pymodule]
mod _llm2api {
    /// Version of the package, the same as that of the engine.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python looks for this very name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
