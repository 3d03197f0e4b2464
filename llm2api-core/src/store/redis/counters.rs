//! Counters and points that several servers add to.
//!
//! Points that follow each other are one hash. It is so short that Redis packs it: that of one figure
//! a key, or a longer one, would take several times the memory. A field is the place of the point in
//! its chunk, as one digit, and the name of the figure.

use std::collections::BTreeMap;

use ::redis::{ScriptInvocation, cmd};

use super::super::points::oldest_kept;
use super::super::{Count, Point, PointsAsk, Span};
use super::link::{Link, Live};
use super::scripts::{CHUNKS, COUNTERS, POINTS, SERIES};
use crate::error::Result;

/// Series of counters that are read in one go.
const AT_ONCE: usize = 500;
/// Points of a chunk, and the base of the digit that names one.
const CHUNK: u32 = 12;
/// Chunks that are read in one go.
const CHUNKS_AT_ONCE: usize = 100;

/// Writes what a script is to add.
pub(super) fn write(script: &mut ScriptInvocation<'_>, counts: &[Count], points: &[Point]) {
    script.arg(4 + 3 * counts.len());
    for count in counts {
        script.arg(&count.series).arg(&count.field).arg(number(count.value));
    }
    let oldest: BTreeMap<_, _> = oldest_kept(points).collect();
    let told = points.iter().filter(|point| !point.figures.is_empty());
    for Point { series, span, at, figures } in told {
        let oldest = oldest.get(span).copied().unwrap_or_default();
        script.arg(span.as_str()).arg(series).arg(chunk_of(*at));
        script.arg(format!("({}", chunk_of(oldest))).arg(lives(*span)).arg(figures.len());
        for (name, value) in figures {
            script.arg(field(*at, name)).arg(number(*value));
        }
    }
}

/// Reads all counters whose series begins with `prefix`.
pub(super) async fn counts(link: &Link, prefix: &str) -> Result<Vec<Count>> {
    let live = link.live().await?;
    let (from, to) = ([b"[", prefix.as_bytes()].concat(), [b"(", prefix.as_bytes(), b"\xff"]);
    let mut command = cmd("ZRANGEBYLEX");
    command.arg(SERIES).arg(from).arg(to.concat());
    let series: Vec<String> = link.query(&live, &command).await?;
    let mut counts = Vec::new();
    for part in series.chunks(AT_ONCE) {
        let mut pipe = ::redis::pipe();
        for series in part {
            pipe.hgetall(format!("{COUNTERS}{series}"));
        }
        let found: Vec<Vec<(String, u64)>> = link.pipe(&live, &pipe).await?;
        counts.extend(part.iter().zip(found).flat_map(|(series, fields)| {
            fields.into_iter().map(move |(field, value)| Count::new(series, field, value))
        }));
    }
    Ok(counts)
}

/// Reads the points that are asked for.
pub(super) async fn points(link: &Link, ask: &PointsAsk) -> Result<Vec<Point>> {
    let live = link.live().await?;
    let chunks = chunks(link, &live, ask).await?;
    let mut points = Vec::new();
    for part in chunks.chunks(CHUNKS_AT_ONCE) {
        let mut pipe = ::redis::pipe();
        for (series, chunk) in part {
            pipe.hgetall(format!("{POINTS}{}:{chunk}:{series}", ask.span.as_str()));
        }
        let found: Vec<Vec<(String, u64)>> = link.pipe(&live, &pipe).await?;
        let read = part.iter().zip(found);
        points.extend(
            read.flat_map(|((series, chunk), fields)| points_of(ask, series, *chunk, fields)),
        );
    }
    Ok(points)
}

/// Returns the chunks that hold what is asked for, by series as asked, then by time.
async fn chunks<'a>(link: &Link, live: &Live, ask: &'a PointsAsk) -> Result<Vec<(&'a str, u64)>> {
    let mut chunks = Vec::new();
    for part in ask.series.chunks(AT_ONCE) {
        let mut pipe = ::redis::pipe();
        for series in part {
            pipe.add_command(cmd("ZRANGEBYSCORE"))
                .arg(format!("{CHUNKS}{}:{series}", ask.span.as_str()))
                .arg(chunk_of(ask.from))
                .arg(chunk_of(ask.to));
        }
        let found: Vec<Vec<u64>> = link.pipe(live, &pipe).await?;
        chunks.extend(part.iter().zip(found).flat_map(|(series, found)| {
            found.into_iter().map(move |chunk| (series.as_str(), chunk))
        }));
    }
    Ok(chunks)
}

/// Makes points of a chunk's fields; passes over those that are not asked for, and what is no figure.
fn points_of(ask: &PointsAsk, series: &str, chunk: u64, fields: Vec<(String, u64)>) -> Vec<Point> {
    let mut points = BTreeMap::<u64, Vec<_>>::new();
    for (field, value) in fields {
        let mut name = field.chars();
        let Some(place) = name.next().and_then(|digit| digit.to_digit(CHUNK)) else { continue };
        let at = chunk.saturating_mul(CHUNK.into()).saturating_add(place.into());
        if (ask.from..=ask.to).contains(&at) {
            points.entry(at).or_default().push((name.as_str().to_owned(), value));
        }
    }
    let point = |(at, mut figures): (u64, Vec<_>)| {
        figures.sort_unstable();
        Point { series: series.to_owned(), span: ask.span, at, figures }
    };
    points.into_iter().map(point).collect()
}

/// Names a figure of a point within its chunk.
fn field(at: u64, name: &str) -> String {
    let place = u32::try_from(at % u64::from(CHUNK)).ok();
    let digit = place.and_then(|place| char::from_digit(place, CHUNK));
    format!("{}{name}", digit.expect("a remainder is a digit"))
}

/// The chunk that a point is in.
fn chunk_of(at: u64) -> u64 {
    at / u64::from(CHUNK)
}

/// For how long a chunk is kept after the last change, in seconds: until its last point is too old.
fn lives(span: Span) -> u64 {
    (span.kept() + 2 * u64::from(CHUNK)) * span.seconds()
}

/// A number as Redis counts.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
