//! How long one connection may wait, and for what.

use std::io;
use std::task::{Context, Poll};

use super::busy::Turns;
use super::stall::Deadline;
use crate::config::ClientLimits;

/// The deadlines of one connection.
///
/// - A new connection has the head time-out from its first moment.
/// - A kept connection has the idle time-out, and from the first byte of a head on the head
///   time-out, which later bytes do not move. The idle time begins when the answer is written, not
///   when it was handed over: a client that still reads is not idle, however long it takes.
/// - While a request is worked on, reading has no deadline: the body has one of its own.
/// - A write that makes no progress has the write-stall time-out at any time.
#[derive(Debug)]
pub(super) struct Clocks {
    limits: ClientLimits,
    turns: Turns,
    turn: Option<u64>,
    head_begun: bool,
    read: Deadline,
    write: Deadline,
}

impl Clocks {
    pub(super) fn new(limits: ClientLimits, turns: Turns) -> Self {
        Self {
            limits,
            turns,
            turn: None,
            head_begun: false,
            read: Deadline::default(),
            write: Deadline::default(),
        }
    }

    /// Sets the deadline that the turn begins with.
    pub(super) fn keep_turn(&mut self) {
        let turn = self.turns.now();
        if self.turn == Some(turn) {
            return;
        }
        self.turn = Some(turn);
        self.head_begun = turn == 0;
        match turn {
            0 => self.read.set(self.limits.head_timeout),
            turn if turn % 2 == 0 => self.read.set(self.limits.idle_timeout),
            _ => self.read.off(),
        }
    }

    /// Says whether the client has been answered and has not begun to ask again.
    fn is_idle(&self) -> bool {
        self.turn.is_some_and(|turn| turn % 2 == 0) && !self.head_begun
    }

    /// Notes that bytes came: the first ones between two requests begin a head.
    pub(super) fn read(&mut self) {
        if self.is_idle() {
            self.head_begun = true;
            self.read.set(self.limits.head_timeout);
        }
    }

    /// Waits for bytes, no longer than the client may take.
    pub(super) fn poll_reading(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turns.watch(cx);
        if self.is_idle() && self.write.is_set() {
            return Poll::Pending;
        }
        self.read.poll(cx)
    }

    /// Notes that the client took something.
    pub(super) fn wrote(&mut self, cx: &mut Context<'_>) {
        self.write.off();
        if self.is_idle() {
            self.read.set(self.limits.idle_timeout);
            // hyper does not read again before it is woken, so the deadline has to do that.
            let _: Poll<io::Result<()>> = self.read.poll(cx);
        }
    }

    /// Waits for room to write, no longer than the client may take.
    pub(super) fn poll_writing<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.write.set_if_off(self.limits.write_stall_timeout);
        let overdue = self.write.poll(cx);
        if overdue.is_ready() {
            self.turns.stall();
        }
        overdue
    }
}
