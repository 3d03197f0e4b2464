//! The limits of a process that reads a document.

use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::config::Program;

/// What the process may use: memory and files in bytes, time of a processor in seconds, descriptors.
const LIMITS: [(Resource, u64); 5] = [
    (Resource::As, 512 << 20),
    (Resource::Cpu, 10),
    (Resource::Nofile, 32),
    (Resource::Fsize, 0),
    (Resource::Core, 0),
];

/// Sets the limits and starts `program` in the place of this one. Returns only where that fails.
pub(super) fn begin_anew(program: Option<&Program>, arguments: &[&str]) {
    for (resource, most) in LIMITS {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        // A system that cannot limit memory, as macOS, still limits time.
        if setrlimit(resource, limit).is_err() && resource != Resource::As {
            return;
        }
    }
    if let Some(program) = program {
        let mut command = Command::new(&program.path);
        let _never = command.args(&program.arguments).args(arguments).env_clear().exec();
    }
}
