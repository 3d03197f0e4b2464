//! Counters and points in the file.
//!
//! Points lie in parts of a few spans, and in a part by series: what is written at the same time goes
//! to few pages, the oldest parts are cut off at one end, and who reads a series has to look it up
//! once a part.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::super::figures::Names;
use super::super::points::oldest_kept;
use super::super::{Count, MOST_BATCHES, Point, PointsAsk, Span};

/// How many spans a part has. In a file of released versions this can never change.
const PART: i64 = 5;

/// Names all parts from `?2` to `?3` in which there are points of the span `?1`. There are no more
/// than are kept, however far apart they are.
macro_rules! parts {
    () => {
        "WITH RECURSIVE parts (part) AS (
             SELECT min(part) FROM point WHERE span = ?1 AND part BETWEEN ?2 AND ?3
             UNION ALL
             SELECT (SELECT min(part) FROM point
                     WHERE span = ?1 AND part > parts.part AND part <= ?3)
             FROM parts WHERE parts.part IS NOT NULL
         ) "
    };
}

/// Adds a batch, unless it was added of late.
pub(super) fn add(
    connection: &Connection,
    batch: &str,
    counts: &[Count],
    points: &[Point],
) -> Result<()> {
    if !is_new(connection, batch)? {
        return Ok(());
    }
    add_counts(connection, counts)?;
    if !points.is_empty() {
        add_points(connection, points)?;
    }
    oldest_kept(points).try_for_each(|(span, oldest)| drop_older(connection, span, oldest))
}

/// Says whether a batch was not added of late, and remembers it.
fn is_new(connection: &Connection, batch: &str) -> Result<bool> {
    let mut statement =
        connection.prepare_cached("INSERT OR IGNORE INTO batch (name) VALUES (?1)")?;
    if statement.execute(params![batch])? == 0 {
        return Ok(false);
    }
    let mut statement =
        connection.prepare_cached("DELETE FROM batch WHERE number <= last_insert_rowid() - ?1")?;
    statement.execute(params![number(MOST_BATCHES as u64)])?;
    Ok(true)
}

/// Adds to counters; one that is full stays full.
fn add_counts(connection: &Connection, counts: &[Count]) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO count (series, field, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (series, field) DO UPDATE
         SET value = min(value, 9223372036854775807 - excluded.value) + excluded.value",
    )?;
    for count in counts {
        statement.execute(params![count.series, count.field, number(count.value)])?;
    }
    Ok(())
}

/// Adds to points, in the order in which they lie.
fn add_points(connection: &Connection, points: &[Point]) -> Result<()> {
    let mut names = names(connection)?;
    let known = names.len();
    let mut sorted: Vec<_> = points.iter().filter(|point| !point.figures.is_empty()).collect();
    sorted.sort_by_key(|point| (point.span, number(point.at) / PART, &point.series, point.at));
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO point (span, part, series, at, figures)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for Point { series, span, at, figures } in sorted {
        let at = number(*at);
        let packed = packed(connection, *span, series, at)?.unwrap_or_default();
        let packed = names.add(&packed, figures);
        statement.execute(params![length(*span), at / PART, series, at, packed])?;
    }
    let mut statement =
        connection.prepare_cached("INSERT INTO figure (number, name) VALUES (?1, ?2)")?;
    let mut new = names.after(known);
    new.try_for_each(|(place, name)| {
        statement.execute(params![number(place as u64), name]).map(drop)
    })
}

/// Drops the points of a span that are older, whatever they are about, once a whole part is.
fn drop_older(connection: &Connection, span: Span, oldest: u64) -> Result<()> {
    let mut statement =
        connection.prepare_cached("DELETE FROM point WHERE span = ?1 AND part < ?2")?;
    statement.execute(params![length(span), number(oldest) / PART]).map(drop)
}

/// Forgets the counters and the points of a series.
pub(super) fn forget(connection: &Connection, series: &str) -> Result<()> {
    let mut statement = connection.prepare_cached("DELETE FROM count WHERE series = ?1")?;
    statement.execute(params![series])?;
    let mut statement = connection.prepare_cached(concat!(
        parts!(),
        "DELETE FROM point WHERE span = ?1 AND part IN (SELECT part FROM parts) AND series = ?4"
    ))?;
    Span::ALL.into_iter().try_for_each(|span| {
        statement.execute(params![length(span), 0, i64::MAX, series]).map(drop)
    })
}

/// Reads all counters whose series begins with `prefix`.
pub(super) fn counts(connection: &Connection, prefix: &str) -> Result<Vec<Count>> {
    let mut statement = connection.prepare_cached(
        "SELECT series, field, value FROM count WHERE series >= ?1 ORDER BY series, field",
    )?;
    let mut rows = statement.query(params![prefix])?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next()? {
        let series: String = row.get(0)?;
        if !series.starts_with(prefix) {
            break; // they are sorted: no other follows
        }
        let value = u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
        counts.push(Count::new(series, row.get::<_, String>(1)?, value));
    }
    Ok(counts)
}

/// Reads the points of one of the series that are asked for.
pub(super) fn points(connection: &Connection, series: &str, ask: &PointsAsk) -> Result<Vec<Point>> {
    let names = names(connection)?;
    // The parts come first: else SQLite would look at all points of the range.
    let mut statement = connection.prepare_cached(concat!(
        parts!(),
        "SELECT at, figures FROM parts CROSS JOIN point
         WHERE span = ?1 AND point.part = parts.part AND series = ?4 AND at BETWEEN ?5 AND ?6
         ORDER BY at"
    ))?;
    let point = |row: &rusqlite::Row<'_>| {
        let (at, packed) = (row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, Vec<u8>>(1)?);
        let figures = names.read(&packed);
        Ok(Point { series: series.to_owned(), span: ask.span, at, figures })
    };
    let (from, to) = (number(ask.from), number(ask.to));
    let values = params![length(ask.span), from / PART, to / PART, series, from, to];
    statement.query_map(values, point)?.collect()
}

/// Reads the figures of a point.
fn packed(connection: &Connection, span: Span, series: &str, at: i64) -> Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached(
        "SELECT figures FROM point WHERE span = ?1 AND part = ?2 AND series = ?3 AND at = ?4",
    )?;
    let key = params![length(span), at / PART, series, at];
    statement.query_row(key, |row| row.get(0)).optional()
}

/// Reads the names of figures by their numbers.
fn names(connection: &Connection) -> Result<Names> {
    let mut statement = connection.prepare_cached("SELECT name FROM figure ORDER BY number")?;
    statement.query_map([], |row| row.get(0))?.collect::<Result<_>>().map(Names::new)
}

/// What a span is called in the file.
fn length(span: Span) -> i64 {
    number(span.seconds())
}

/// A number as SQLite has it.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
