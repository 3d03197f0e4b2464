//! `llm2api-server extract-document`: what reads a document, in a process that bounds itself.

#[cfg(unix)]
mod limits;

use std::ffi::OsStr;
use std::io::{stdin, stdout};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use llm2api_core::adapt::files::{DocumentKind, Extract};
use llm2api_core::documents::{Fault, ProcessExtractor, serve};

use crate::config::Program;

const COMMAND: &str = "extract-document";
/// Documents nest, and their readers recurse; deeper ones end this process.
const STACK: usize = 64 << 20;
/// Neither a fault of the document nor a text.
const FAILED: u8 = 1;

/// Makes what starts `program` for each document.
pub(crate) fn extractor(program: &Program) -> Arc<dyn Extract> {
    let first = program.arguments.iter().map(OsStr::new);
    Arc::new(ProcessExtractor::new(&program.path, first.chain([OsStr::new(COMMAND)])))
}

/// Returns this program; none where it could not bound itself.
pub(crate) fn own_program() -> Option<Program> {
    // An update may have put another program in the place of this one.
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        return Some(Program::new(running));
    }
    std::env::current_exe().ok().filter(|_| cfg!(unix)).map(Program::new)
}

/// Reads a document and returns the exit code. The first time the limits are set, and `own`, this
/// program, begins anew: what an allocator has taken before would be outside of them.
pub(crate) fn run(kind: DocumentKind, limited: bool, own: Option<&Program>) -> u8 {
    if limited {
        return read(kind);
    }
    #[cfg(unix)]
    limits::begin_anew(own, &[COMMAND, kind.name(), "--limited"]);
    FAILED
}

fn read(kind: DocumentKind) -> u8 {
    let work = move || serve(kind, stdin().lock(), stdout().lock());
    let Ok(reader) = thread::Builder::new().stack_size(STACK).spawn(work) else {
        return FAILED;
    };
    // A reader that panics has met a document that it was not made for.
    match reader.join().unwrap_or(Err(Fault::Damaged)) {
        Ok(()) => 0,
        Err(fault) => fault.exit_code(),
    }
}
