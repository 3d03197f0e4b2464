//! One connection to Redis, which is made again where it broke.

use std::fmt;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::io::tcp::TcpSettings;
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult,
    ScriptInvocation,
};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::failure;
use crate::error::Result;

/// After a failed attempt nobody tries again for this time.
const PAUSE: Duration = Duration::from_millis(300);

/// A connection that many callers use at the same time.
///
/// It is written here because what this crate needs is little and exact: one attempt at a time,
/// an answer at once while the server is away, a connection that hangs given up, and to know that
/// a connection is another one than before.
pub(super) struct Link {
    client: Client,
    /// How long connecting, or an answer, may take: a hung server must not hang us. Whoever waits
    /// less gives up before the connection is, and the next one hangs as well.
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: Option<Live>,
    /// Connections made so far.
    made: u64,
    failed: Option<Instant>,
}

/// A connection that works, as far as is known.
#[derive(Clone)]
pub(super) struct Live {
    connection: MultiplexedConnection,
    generation: u64,
}

impl Live {
    /// Tells one connection from the next; never 0.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }
}

impl Link {
    pub(super) fn new(client: Client, patience: Duration) -> Self {
        Self { client, patience, state: Mutex::default() }
    }

    /// Returns the connection, and makes it first where there is none.
    pub(super) async fn live(&self) -> Result<Live> {
        let mut state = self.state.lock().await;
        if let Some(live) = &state.live {
            return Ok(live.clone());
        }
        if state.failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(failure::away());
        }
        // Taken as failed until it has worked: who asked may leave meanwhile.
        state.failed = Some(Instant::now());
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience));
        let made = self.client.get_multiplexed_async_connection_with_config(&config).await;
        let connection = made.map_err(|error| {
            // Those who have waited for this attempt need no attempt of their own.
            state.failed = Some(Instant::now());
            failure::of(error)
        })?;
        state.failed = None;
        state.made += 1;
        let live = Live { connection, generation: state.made };
        state.live = Some(live.clone());
        Ok(live)
    }

    /// Runs a script on the connection of the moment.
    pub(super) async fn run_now<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T> {
        let live = self.live().await?;
        self.run(&live, script).await
    }

    /// Runs a script.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        live: &Live,
        script: &ScriptInvocation<'_>,
    ) -> Result<T> {
        let answer = script.invoke_async(&mut live.connection.clone()).await;
        self.note(live, answer).await
    }

    /// Sends one command.
    pub(super) async fn query<T: FromRedisValue>(&self, live: &Live, command: &Cmd) -> Result<T> {
        let answer = command.query_async(&mut live.connection.clone()).await;
        self.note(live, answer).await
    }

    /// Sends several commands at once.
    pub(super) async fn pipe<T: FromRedisValue>(&self, live: &Live, pipe: &Pipeline) -> Result<T> {
        let answer = pipe.query_async(&mut live.connection.clone()).await;
        self.note(live, answer).await
    }

    /// Gives the connection up where it broke or hangs.
    async fn note<T>(&self, live: &Live, answer: RedisResult<T>) -> Result<T> {
        if answer.as_ref().is_err_and(is_broken) {
            let mut state = self.state.lock().await;
            if state.live.as_ref().is_some_and(|now| now.generation == live.generation) {
                state.live = None;
            }
        }
        answer.map_err(failure::of)
    }
}

fn is_broken(error: &RedisError) -> bool {
    // The address may lead to another server by now.
    let demoted = error.code() == Some("READONLY");
    demoted || error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error()
}

/// Packets leave at once.
pub(super) fn tcp_settings() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}
