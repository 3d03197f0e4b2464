//! Starts a program for each document and does not wait for it forever.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::error;

use super::exchange::MARK;
use super::fault::{self, Fault};
use crate::adapt::files::{DocumentKind, Extract};
use crate::error::{Error, Result};

/// Reads documents by a program that is started for each and takes the document's
/// [name](DocumentKind::name) as its last argument, the bytes on its standard input, and writes what
/// [`serve`](super::serve) writes.
///
/// # Notes
/// The program is best named by its whole path. It gets an empty environment. It is killed when it takes longer or writes more than it
/// may, and when nobody waits for it any more. It should bound its memory by itself.
///
/// # Default
/// Ten seconds, 4 MiB of text, two programs at the same time. Who waits for a place longer than ten
/// seconds is refused.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::time::Duration;
///
/// use bytes::Bytes;
/// use llm2api_core::ErrorKind;
/// use llm2api_core::adapt::files::{DocumentKind, Extract};
/// use llm2api_core::documents::ProcessExtractor;
///
/// let extractor = ProcessExtractor::new("/no/such/program", ["extract-document"])
///     .with_time_limit(Duration::from_secs(5));
/// let error = extractor.text(DocumentKind::Pdf, Bytes::new()).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Internal);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ProcessExtractor {
    program: PathBuf,
    arguments: Vec<OsString>,
    time_limit: Duration,
    text_limit: usize,
    places: Arc<Semaphore>,
}

impl ProcessExtractor {
    /// Names the program and its first arguments.
    pub fn new(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            time_limit: Duration::from_secs(10),
            text_limit: super::limited::TEXT_LIMIT,
            places: Arc::new(Semaphore::new(2)),
        }
    }

    /// Sets how long a program may run, and how long a document waits for one; 10 s.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets how many bytes of text are taken; 4 MiB.
    #[must_use]
    pub fn with_text_limit(mut self, limit: usize) -> Self {
        self.text_limit = limit;
        self
    }

    /// Sets how many programs may run at the same time; 2.
    #[must_use]
    pub fn with_places(mut self, places: usize) -> Self {
        self.places = Arc::new(Semaphore::new(places.max(1)));
        self
    }

    fn start(&self, kind: DocumentKind) -> Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(kind.name()).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.kill_on_drop(true).spawn().map_err(|cause| {
            error!(program = %self.program.display(), %cause, "cannot start the reader of documents");
            fault::broken("the reader of documents cannot be started").with_source(cause)
        })
    }

    async fn run(&self, kind: DocumentKind, bytes: Bytes) -> Result<String> {
        let mut child = self.start(kind)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let most = self.text_limit + MARK.len();
        let ((), said) = tokio::join!(write(stdin, bytes), read(stdout, most));
        if said.len() > most {
            return Err(fault::too_long());
        }
        let lost = |cause| fault::broken("the reader of documents was lost").with_source(cause);
        judge(child.wait().await.map_err(lost)?, &said)
    }
}

#[async_trait]
impl Extract for ProcessExtractor {
    async fn text(&self, kind: DocumentKind, bytes: Bytes) -> Result<String> {
        let place = timeout(self.time_limit, self.places.acquire()).await;
        // Nobody closes the semaphore.
        let _place = place.ok().and_then(Result::ok).ok_or_else(fault::too_busy)?;
        let late = |_| fault::harmful();
        timeout(self.time_limit, self.run(kind, bytes)).await.map_err(late)?
    }
}

/// Writes the document; a program that ends before it has read it all says why by its exit code.
async fn write(stdin: Option<ChildStdin>, bytes: Bytes) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(&bytes).await;
    }
}

/// Reads one byte more than `most` at most.
async fn read(stdout: Option<ChildStdout>, most: usize) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(stdout) = stdout {
        let _ = stdout.take(most as u64 + 1).read_to_end(&mut said).await;
    }
    said
}

fn judge(status: ExitStatus, said: &[u8]) -> Result<String> {
    match status.code() {
        // Killed for its time or memory, or fallen over its stack.
        None => Err(fault::harmful()),
        Some(0) => text(said).ok_or_else(no_reader),
        Some(code) => Err(Fault::from_exit_code(code).map_or_else(no_reader, Into::into)),
    }
}

fn text(said: &[u8]) -> Option<String> {
    str::from_utf8(said.strip_prefix(MARK)?).ok().map(str::to_owned)
}

fn no_reader() -> Error {
    error!("the program that was started is no reader of documents");
    fault::broken("the reader of documents does not answer as one")
}
