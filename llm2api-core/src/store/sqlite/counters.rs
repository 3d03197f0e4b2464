//! Counters and points in the file.
//!
//! Points lie in the order of their time: those of a minute, which are written together, lie
//! together, and the oldest are cut off at one end. Those of one series lie far apart, and are
//! looked up one by one.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::super::figures::Names;
use super::super::points::oldest_kept;
use super::super::{Count, MOST_BATCHES, Point, PointsAsk, Span};

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
    sorted.sort_by_key(|point| (point.span, point.at, &point.series));
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO point (span, at, series, figures) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for Point { series, span, at, figures } in sorted {
        let packed = packed(connection, *span, number(*at), series)?.unwrap_or_default();
        let packed = names.add(&packed, figures);
        statement.execute(params![length(*span), number(*at), series, packed])?;
    }
    let mut statement =
        connection.prepare_cached("INSERT INTO figure (number, name) VALUES (?1, ?2)")?;
    let mut new = names.after(known);
    new.try_for_each(|(place, name)| {
        statement.execute(params![number(place as u64), name]).map(drop)
    })
}

/// Drops the points of a span that are older, whatever they are about.
fn drop_older(connection: &Connection, span: Span, oldest: u64) -> Result<()> {
    let mut statement =
        connection.prepare_cached("DELETE FROM point WHERE span = ?1 AND at < ?2")?;
    statement.execute(params![length(span), number(oldest)]).map(drop)
}

/// Forgets the counters and the points of a series.
pub(super) fn forget(connection: &Connection, series: &str) -> Result<()> {
    let mut statement = connection.prepare_cached("DELETE FROM count WHERE series = ?1")?;
    statement.execute(params![series])?;
    let mut statement = connection
        .prepare_cached("DELETE FROM point WHERE span = ?1 AND at = ?2 AND series = ?3")?;
    for span in Span::ALL {
        each_time(connection, span, 0, i64::MAX, |at| {
            statement.execute(params![length(span), at, series]).map(drop)
        })?;
    }
    Ok(())
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
    let mut points = Vec::new();
    each_time(connection, ask.span, number(ask.from), number(ask.to), |at| {
        points.extend(packed(connection, ask.span, at, series)?.map(|packed| Point {
            series: series.to_owned(),
            span: ask.span,
            at: at.unsigned_abs(),
            figures: names.read(&packed),
        }));
        Ok(())
    })?;
    Ok(points)
}

/// Reads the figures of a point.
fn packed(connection: &Connection, span: Span, at: i64, series: &str) -> Result<Option<Vec<u8>>> {
    let mut statement = connection
        .prepare_cached("SELECT figures FROM point WHERE span = ?1 AND at = ?2 AND series = ?3")?;
    statement.query_row(params![length(span), at, series], |row| row.get(0)).optional()
}

/// Does something at each time that has a point: there are no more of them than are kept, however
/// long the time between.
fn each_time(
    connection: &Connection,
    span: Span,
    from: i64,
    to: i64,
    mut work: impl FnMut(i64) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT at FROM point WHERE span = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at LIMIT 1",
    )?;
    let mut next = Some(from);
    while let Some(from) = next {
        let found = statement.query_row(params![length(span), from, to], |row| row.get(0));
        let Some(at) = found.optional()? else { break };
        work(at)?;
        next = at.checked_add(1);
    }
    Ok(())
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
