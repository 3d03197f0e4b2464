//! The text of PDF and DOCX files, read in processes apart.
//!
//! The libraries that read such files were not made for files that mean harm, so no such file is
//! opened in the process that serves. [`ProcessExtractor`] starts a program for each; that program
//! bounds itself and calls [`serve`]. What it cannot do it says by its exit code; whatever else
//! happens to it is taken to be the file's fault.

mod docx;
mod exchange;
mod fault;
mod limited;
mod pdf;
mod process;
mod read;
#[cfg(test)]
mod tests;

pub use exchange::serve;
pub use fault::Fault;
pub use process::ProcessExtractor;
pub use read::extract;
