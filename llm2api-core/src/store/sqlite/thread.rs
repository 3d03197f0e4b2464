//! The thread that owns the file: what waits is done together.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use rusqlite::{Connection, ffi};
use tokio::sync::oneshot;

use super::failure;
use super::file::Lock;
use crate::error::{Error, ErrorKind, Result};

/// A thread with a connection of its own; dropping it waits for the work in hand.
///
/// It is a thread and no task because SQLite blocks, for as long as the disk does, and because a
/// write that was begun must end in order even where the runtime has gone.
pub(super) struct Thread {
    sender: Option<Sender<Box<dyn Job>>>,
    handle: Option<JoinHandle<()>>,
}

impl Thread {
    /// Starts the thread. It holds `lock` for as long as it has the file.
    pub(super) fn start(connection: Connection, lock: Option<Lock>) -> Result<Self> {
        let (sender, receiver) = channel();
        let work = move || {
            serve(&connection, &receiver);
            drop(connection);
            drop(lock);
        };
        let handle = Builder::new().name("llm2api-store".into()).spawn(work).map_err(|error| {
            let message = "the store's thread cannot be started";
            Error::new(ErrorKind::Store, "store", message).with_source(error)
        })?;
        Ok(Self { sender: Some(sender), handle: Some(handle) })
    }

    /// Does what only reads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call(Sort::Read, work).await
    }

    /// Does what writes, all of it or nothing, and returns when it is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call(Sort::Write, work).await
    }

    /// Does what writes, all of it or nothing, and returns when the operating system has it: what
    /// outlives this process and need not outlive a power cut.
    pub(super) async fn note<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.call(Sort::Note, work).await
    }

    async fn call<T, W>(&self, sort: Sort, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let call = Call { sort, work: Some(work), outcome: None, reply };
        let sent = self.sender.as_ref().is_some_and(|sender| sender.send(Box::new(call)).is_ok());
        let answer = if sent { answer.await.ok() } else { None };
        answer.unwrap_or_else(|| {
            Err(Error::new(ErrorKind::Store, "store", "the store's thread has ended: restart"))
        })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(handle) = self.handle.take() {
            // A thread that panicked has said so already.
            let _ = handle.join();
        }
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").finish_non_exhaustive()
    }
}

/// What a piece of work needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    /// No transaction.
    Read,
    /// A transaction that the operating system has.
    Note,
    /// A transaction that is on the disk.
    Write,
}

/// Something that somebody waits for.
trait Job: Send {
    /// What it needs.
    fn sort(&self) -> Sort;
    /// Does it, and says what went wrong.
    fn run(&mut self, connection: &Connection) -> Option<ffi::Error>;
    /// Answers, now that everything is on the disk, or that nothing is.
    fn answer(self: Box<Self>, failed: Option<&Arc<rusqlite::Error>>);
}

struct Call<T, W> {
    sort: Sort,
    work: Option<W>,
    outcome: Option<rusqlite::Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, W> Job for Call<T, W>
where
    T: Send,
    W: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
{
    fn sort(&self) -> Sort {
        self.sort
    }

    fn run(&mut self, connection: &Connection) -> Option<ffi::Error> {
        let work = self.work.take()?;
        let outcome = match self.sort {
            Sort::Read => work(connection),
            Sort::Note | Sort::Write => apart(connection, work),
        };
        let error = outcome.as_ref().err().and_then(|error| error.sqlite_error().copied());
        self.outcome = Some(outcome);
        error
    }

    fn answer(self: Box<Self>, failed: Option<&Arc<rusqlite::Error>>) {
        let answer = match (failed, self.outcome) {
            (None, Some(Ok(value))) => Ok(value),
            (None, Some(Err(error))) => Err(failure::of(&Arc::new(error))),
            (Some(error), _) => Err(failure::of(error)),
            (None, None) => Err(Error::new(ErrorKind::Internal, "store", "a request was lost")),
        };
        // Whoever asked may have left.
        let _ = self.reply.send(answer);
    }
}

/// Does a part of a transaction, of which nothing is left if it fails.
fn apart<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("SAVEPOINT part")?.execute([])?;
    let outcome = work(connection);
    // Where SQLite has given up the whole transaction there is nothing to go back to.
    if outcome.is_err() && !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK TO part")?.execute([])?;
    }
    if !connection.is_autocommit() {
        connection.prepare_cached("RELEASE part")?.execute([])?;
    }
    outcome
}

/// Does what comes until nobody is left who could ask.
fn serve(connection: &Connection, receiver: &Receiver<Box<dyn Job>>) {
    while let Ok(first) = receiver.recv() {
        let waiting = std::iter::once(first).chain(receiver.try_iter());
        let (writes, reads): (Vec<_>, Vec<_>) = waiting.partition(|job| job.sort() > Sort::Read);
        // Nobody who waits for a write has asked for something after it: reads need not wait.
        for mut job in reads {
            job.run(connection);
            job.answer(None);
        }
        write(connection, writes);
    }
}

/// Writes all in one transaction, then answers all.
fn write(connection: &Connection, mut jobs: Vec<Box<dyn Job>>) {
    if jobs.is_empty() {
        return;
    }
    let failed = commit(connection, &mut jobs).err().map(Arc::new);
    if failed.is_some()
        && !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "the store cannot take back a failed write");
    }
    jobs.into_iter().for_each(|job| job.answer(failed.as_ref()));
}

fn commit(connection: &Connection, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    // The whole log before it is on the disk with the first commit that has to be.
    let lasting = jobs.iter().any(|job| job.sort() == Sort::Write);
    connection.pragma_update(None, "synchronous", if lasting { "FULL" } else { "NORMAL" })?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for job in jobs {
        let error = job.run(connection);
        if let Some(error) = error.filter(|_| connection.is_autocommit()) {
            // A full disk ends the whole transaction: nothing of anybody is kept.
            return Err(rusqlite::Error::SqliteFailure(error, None));
        }
    }
    connection.execute_batch("COMMIT")
}
