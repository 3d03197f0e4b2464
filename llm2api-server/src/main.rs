//! The `llm2api-server` program.

use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Where the system gives huge pages to whoever does not ask, one holds 2 MiB for what needs a few
    // KiB. A system that cannot be told is left as it is.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    ExitCode::from(llm2api_server::main(std::env::args_os(), None))
}
