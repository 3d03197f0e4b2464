//! Streams whose clients leave, and what is left of them.

use std::io::{self, Write as _};
use std::time::Duration;

use llm2api_tests::processes::Api;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::flow::Flow;
use crate::stage::{Stage, proof};

/// Words of an answer that is read to its end.
const WORDS: usize = 40;
/// Words of one that is left: it would go on for far longer than the patience below.
const MANY_WORDS: usize = 1500;
/// How long it may take until nothing is under way any more.
const PATIENCE: Duration = Duration::from_secs(4);

/// How much is done.
struct Load {
    rounds: usize,
    streams: usize,
    /// Of ten of them so many are left.
    left: usize,
    time: Duration,
    pause: Duration,
    /// After this time the memory is looked at.
    rest: Duration,
    growth: Growth,
}

/// How much the memory may grow from the first round to the last.
enum Growth {
    /// By so many percent.
    Percent(u64),
    /// By so many bytes for each stream that was left.
    Each(u64),
}

impl Growth {
    /// The most that may be held after rounds in which so many streams were left.
    fn bound(&self, first: u64, left: usize) -> u64 {
        match self {
            Self::Percent(percent) => first + first * percent / 100,
            Self::Each(bytes) => first + left as u64 * bytes,
        }
    }
}

impl Load {
    fn new() -> Self {
        let seconds = Duration::from_secs;
        let pause = |millis| Duration::from_millis(millis);
        match proof() {
            true => Self {
                rounds: 3,
                streams: 1000,
                left: 3,
                time: seconds(60),
                pause: pause(100),
                rest: seconds(10),
                growth: Growth::Percent(20),
            },
            // What an allocator keeps goes up and down by 3 MiB, so a leak has to add up.
            false => Self {
                rounds: 5,
                streams: 100,
                left: 7,
                time: seconds(3),
                pause: pause(30),
                rest: seconds(1),
                growth: Growth::Each(16 << 10),
            },
        }
    }

    /// Streams until the time is over; returns how many were read to their end, and left.
    async fn round(&self, api: &Api) -> (usize, usize) {
        let end = Instant::now() + self.time;
        let mut tasks = JoinSet::new();
        for number in 0..self.streams {
            tasks.spawn(stream(api.clone(), number, self.left, end));
        }
        let counts = tasks.join_all().await;
        counts.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }
}

/// One stream after the other until `end`; `leaving` of ten are left after some pieces.
async fn stream(api: Api, number: usize, leaving: usize, end: Instant) -> (usize, usize) {
    let say = |words| format!("ECHO:{}", vec!["word"; words].join(" "));
    let (short, endless) = (say(WORDS), say(MANY_WORDS));
    let (mut whole, mut left) = (0, 0);
    for round in number.. {
        if Instant::now() >= end {
            break;
        }
        let leave = (round * 7 % 10 < leaving).then_some(1 + round % (WORDS / 2));
        let prompt = if leave.is_some() { &endless } else { &short };
        let read = Flow::of(&api, prompt, leave).await;
        read.unwrap_or_else(|fault| panic!("stream {number}: {fault}"));
        whole += usize::from(leave.is_none());
        left += usize::from(leave.is_some());
    }
    (whole, left)
}

#[tokio::test(flavor = "multi_thread")]
async fn g05_aborted_streams_leave_nothing_behind() {
    let load = Load::new();
    let stage = Stage::start(load.pause).await;
    let (mut sizes, mut aborted) = (Vec::new(), 0);
    for round in 1..=load.rounds {
        let (whole, left) = load.round(&stage.server.api).await;
        stage.is_idle(PATIENCE).await;
        // What the allocator gives back, it gives back late: this is a measurement, not a wait.
        sleep(load.rest).await;
        stage.is_idle(PATIENCE).await;
        sizes.push(stage.server.resident());
        let (streams, size) = (load.streams, sizes[sizes.len() - 1] >> 10);
        let line = format!(
            "round {round}, {streams} at a time: {whole} whole, {left} left, then {size} KiB"
        );
        _ = writeln!(io::stderr(), "{line}");
        assert!(whole > 0 && left * 10 > whole, "{line}");
        // The first round fills pools and caches, which stay.
        aborted += if round == 1 { 0 } else { left };
    }
    let bound = load.growth.bound(sizes[0], aborted);
    let last = sizes[sizes.len() - 1];
    assert!(last <= bound, "memory grew to {last} bytes, of {bound} at most: {sizes:?}");
}
