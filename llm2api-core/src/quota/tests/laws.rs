//! What holds whatever happens in whatever order.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::time::{Instant, advance};

use super::{MINUTE, quotas};
use crate::quota::{Allowance, Ticket};

#[derive(Clone, Debug)]
enum Step {
    Ask { estimate: u64 },
    End { which: usize, took: Option<u64> },
    Wait(Duration),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..30_u64).prop_map(|estimate| Step::Ask { estimate }),
        3 => (any::<usize>(), proptest::option::of(0..60_u64))
            .prop_map(|(which, took)| Step::End { which, took }),
        2 => (0..20_000_u64).prop_map(|millis| Step::Wait(Duration::from_millis(millis))),
    ]
}

/// What was admitted, by a book of its own.
#[derive(Default)]
struct Book {
    running: Vec<(Ticket, u64)>,
    began: VecDeque<Instant>,
    ended: u64,
}

impl Book {
    fn tokens(&self) -> u64 {
        self.ended + self.running.iter().map(|(_, estimate)| estimate).sum::<u64>()
    }

    /// Requests that began in the minute that ends now, and those of this very moment.
    fn began(&mut self) -> (usize, usize) {
        let now = Instant::now();
        self.began.retain(|at| now.duration_since(*at) < MINUTE);
        (self.began.len(), self.began.iter().filter(|at| **at == now).count())
    }

    fn end(&mut self, which: usize, took: Option<u64>) {
        if self.running.is_empty() {
            return;
        }
        let (mut ticket, estimate) = self.running.swap_remove(which % self.running.len());
        took.into_iter().for_each(|took| ticket.settle(took));
        self.ended += took.unwrap_or(estimate);
    }
}

async fn run(steps: Vec<Step>, allowance: Allowance) -> Result<(), TestCaseError> {
    let (quotas, mut book) = (quotas(), Book::default());
    let requests = allowance.requests_per_minute.unwrap_or_default() as usize;
    let places = allowance.concurrency.unwrap_or_default() as usize;
    for step in steps {
        match step {
            Step::Ask { estimate } => {
                let before = book.tokens();
                if let Ok((ticket, _)) = quotas.admit("key_1", &allowance, estimate).await {
                    book.running.push((ticket, estimate));
                    book.began.push_back(Instant::now());
                    prop_assert!(before < allowance.tokens_per_day.unwrap_or(u64::MAX));
                }
            }
            Step::End { which, took } => book.end(which, took),
            Step::Wait(time) => advance(time).await,
        }
        let (minute, moment) = book.began();
        prop_assert!(minute <= 2 * requests && moment <= requests, "{minute} {moment}");
        prop_assert!(book.running.len() <= places);
        prop_assert_eq!(quotas.tokens_today("key_1").await, book.tokens());
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_order_of_requests_exceeds_a_limit(
        steps in vec(step(), 1..120),
        requests in 1..8_u32,
        tokens in 1..600_u64,
        places in 1..6_u32,
    ) {
        let allowance = Allowance {
            requests_per_minute: Some(requests),
            tokens_per_day: Some(tokens),
            concurrency: Some(places),
        };
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(run(steps, allowance))?;
    }

    #[test]
    fn whoever_waits_as_told_is_admitted(
        asked in 1..40_usize,
        requests in 1..90_u32,
    ) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let (quotas, limit) = (quotas(), super::requests(requests));
            for _ in 0..asked {
                if let Err(refusal) = quotas.admit("key_1", &limit, 1).await {
                    // The clock of the runtime has no finer steps.
                    advance(refusal.retry_after + Duration::from_millis(1)).await;
                    let again = quotas.admit("key_1", &limit, 1).await;
                    prop_assert!(again.is_ok(), "{again:?}");
                }
            }
            Ok(())
        })?;
    }
}
