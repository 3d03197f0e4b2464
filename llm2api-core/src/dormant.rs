//! Clocks and signals that seldom have anything to say.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::task::AtomicWaker;
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::clock::NEVER;

/// Polls what seldom becomes ready only when it has asked for that, and not each time that its task
/// runs for another reason.
///
/// A stream has a handful of clocks and signals beside the bytes that it waits for. Asking each of
/// them behind every chunk costs more than the chunk.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::future::{Future, poll_fn};
/// use std::pin::pin;
/// use std::task::Poll;
/// use std::time::Duration;
/// use llm2api_core::dormant::Dormant;
///
/// let mut timer = pin!(tokio::time::sleep(Duration::from_millis(10)));
/// let mut dormant = Dormant::default();
/// let mut asked = 0;
/// poll_fn(|cx| {
///     let timer = dormant.poll(cx, |cx| {
///         asked += 1;
///         timer.as_mut().poll(cx)
///     });
///     // The task runs on and on, as one that has much to do.
///     cx.waker().wake_by_ref();
///     timer
/// })
/// .await;
/// assert_eq!(asked, 2);
/// # }
/// ```
pub struct Dormant {
    signal: Arc<Signal>,
    waker: Waker,
}

struct Signal {
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Dormant {
    /// Runs `poll` where it is the first time, where what it polls has asked for it, and where it was
    /// ready the last time; else there is nothing new.
    ///
    /// `poll` has to hand its context to all that it waits for.
    pub fn poll<T>(
        &mut self,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.signal.task.register(cx.waker());
        if !self.signal.woken.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.signal.woken.swap(false, Ordering::AcqRel);
        let answer = poll(&mut Context::from_waker(&self.waker));
        if answer.is_ready() {
            self.signal.woken.store(true, Ordering::Release);
        }
        answer
    }
}

impl Default for Dormant {
    fn default() -> Self {
        let signal = Arc::new(Signal { woken: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { waker: signal.clone().into(), signal }
    }
}

impl fmt::Debug for Dormant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dormant").field("woken", &self.signal.woken).finish_non_exhaustive()
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// Tells when nothing has happened for too long.
///
/// A sign of life only notes the time; the timer is set anew when it fires, and is not even asked
/// behind a sign of life, so that a busy stream costs one look at the clock.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::future::poll_fn;
/// use std::time::Duration;
/// use llm2api_core::dormant::IdleClock;
///
/// let mut clock = IdleClock::new(Duration::from_millis(10));
/// clock.touch();
/// poll_fn(|cx| clock.poll_expired(cx)).await;
/// # }
/// ```
#[derive(Debug)]
pub struct IdleClock {
    limit: Duration,
    last: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    /// Who is woken by the timer.
    waker: Option<Waker>,
    touched: bool,
}

impl IdleClock {
    /// Starts a clock that allows `limit` of silence.
    pub fn new(limit: Duration) -> Self {
        let (limit, last) = (limit.min(NEVER), Instant::now());
        Self { limit, last, timer: None, waker: None, touched: false }
    }

    /// Notes a sign of life.
    pub fn touch(&mut self) {
        self.last = Instant::now();
        self.touched = true;
    }

    /// Is ready once the silence has lasted too long.
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_set_for(cx) {
            return Poll::Pending;
        }
        let deadline = self.last + self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        // A task that has done much would be told to wait, with no timer set.
        while pin!(unconstrained(timer.as_mut())).poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Says whether the timer is known to wake the task later: it was set to a time behind the last
    /// sign of life, which came since it was asked, and has not fired. Should it fire just now, it wakes
    /// the task again, and no sign of life lies between.
    fn is_set_for(&mut self, cx: &Context<'_>) -> bool {
        let touched = std::mem::replace(&mut self.touched, false);
        let is_ahead =
            |timer: &Pin<Box<Sleep>>| self.last < timer.deadline() && !timer.is_elapsed();
        let is_ahead = self.timer.as_ref().is_some_and(is_ahead);
        touched && is_ahead && self.waker.as_ref().is_some_and(|own| own.will_wake(cx.waker()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures::FutureExt;
    use tokio::sync::Notify;
    use tokio::time::{advance, sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_put_the_end_off_however_they_come() {
        for pause in [1, 9, 10] {
            let (mut clock, begin) = (IdleClock::new(Duration::from_millis(10)), Instant::now());
            for _ in 0..20 {
                // Asked twice in between, as by a task that is woken by something else.
                for _ in 0..2 {
                    assert!(poll_fn(|cx| clock.poll_expired(cx)).now_or_never().is_none());
                }
                advance(Duration::from_millis(pause)).await;
                clock.touch();
            }
            poll_fn(|cx| clock.poll_expired(cx)).await;
            let silence = begin.elapsed().saturating_sub(Duration::from_millis(20 * pause));
            assert!(silence.as_millis().abs_diff(10) <= 1, "{pause}: {silence:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_fires_while_nobody_asks_is_not_waited_for() {
        let mut clock = IdleClock::new(Duration::from_millis(10));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(clock.poll_expired(&mut cx).is_pending());
        advance(Duration::from_millis(1)).await;
        clock.touch();
        // The task has other work while the timer fires, and then nothing comes any more.
        sleep(Duration::from_millis(20)).await;
        assert!(clock.poll_expired(&mut cx).is_ready());
    }

    #[derive(Default)]
    struct Bell(AtomicBool);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_has_done_much_sets_its_timer_all_the_same() {
        let (mut clock, bell) = (IdleClock::new(Duration::from_millis(10)), Arc::<Bell>::default());
        let waker = Waker::from(bell.clone());
        let mut cx = Context::from_waker(&waker);
        while tokio::task::coop::has_budget_remaining() {
            tokio::task::coop::consume_budget().now_or_never();
        }
        assert!(clock.poll_expired(&mut cx).is_pending());
        advance(Duration::from_millis(1)).await;
        clock.touch();
        assert!(clock.poll_expired(&mut cx).is_pending());
        bell.0.store(false, Ordering::Relaxed);
        sleep(Duration::from_millis(20)).await;
        assert!(bell.0.load(Ordering::Relaxed), "the timer has fired");
    }

    #[tokio::test(start_paused = true)]
    async fn the_task_that_waits_last_is_woken() {
        let mut clock = IdleClock::new(Duration::from_millis(10));
        assert!(poll_fn(|cx| clock.poll_expired(cx)).now_or_never().is_none());
        sleep(Duration::from_millis(1)).await;
        clock.touch();
        // Another waker than that of the poll before.
        let expired = timeout(Duration::from_secs(1), poll_fn(|cx| clock.poll_expired(cx))).await;
        expired.expect("this task is woken");
    }

    #[tokio::test]
    async fn what_has_not_asked_is_not_polled_and_no_signal_is_lost() {
        let (notify, mut dormant) = (Notify::new(), Dormant::default());
        let (mut asked, mut notified) = (0, pin!(notify.notified()));
        for _ in 0..5 {
            let poll = poll_fn(|cx| {
                dormant.poll(cx, |cx| {
                    asked += 1;
                    notified.as_mut().poll(cx)
                })
            });
            assert!(poll.now_or_never().is_none());
        }
        assert_eq!(asked, 1);
        notify.notify_waiters();
        let poll = poll_fn(|cx| dormant.poll(cx, |cx| notified.as_mut().poll(cx)));
        assert!(poll.now_or_never().is_some());
    }

    #[tokio::test]
    async fn what_was_ready_is_asked_again() {
        let mut dormant = Dormant::default();
        for _ in 0..3 {
            let poll = poll_fn(|cx| dormant.poll(cx, |_| Poll::Ready(())));
            assert!(poll.now_or_never().is_some());
        }
    }
}
