//! The part of the suite that is about points: what happened in each minute and in each hour.

use llm2api_core::store::{Count, Point, PointsAsk, Span, Store};
use tokio::task::JoinSet;

use crate::suite::Home;

/// A minute of 2026.
pub(crate) const NOW: u64 = 29_453_760;

/// Makes a minute's point.
pub(crate) fn minute(series: &str, at: u64, figures: &[(&str, u64)]) -> Point {
    let figures = figures.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    Point { series: series.into(), span: Span::Minute, at, figures }
}

/// Makes the point of the hour that a minute belongs to.
fn hour(series: &str, at: u64, figures: &[(&str, u64)]) -> Point {
    Point { span: Span::Hour, at: at / 60, ..minute(series, at, figures) }
}

pub(crate) async fn add(store: &dyn Store, batch: &str, points: &[Point]) {
    store.add(batch, &[], points).await.expect("added");
}

/// Reads the points of some series within a range.
async fn within(store: &dyn Store, series: &[&str], span: Span, range: (u64, u64)) -> Vec<Point> {
    let series = series.iter().map(|series| (*series).to_owned()).collect();
    let ask = PointsAsk::new(series, span, range.0, range.1);
    store.points(&ask).await.expect("points")
}

/// Reads all minutes of some series.
pub(crate) async fn minutes(store: &dyn Store, series: &[&str]) -> Vec<Point> {
    within(store, series, Span::Minute, (0, u64::MAX)).await
}

pub(crate) async fn a_batch_that_is_sent_twice_counts_once(home: &impl Home) {
    let store = home.open().await;
    let count = [Count::new("total", "requests", 5)];
    let point = [minute("total", NOW, &[("requests", 5)])];
    for batch in ["first", "first", "second"] {
        store.add(batch, &count, &point).await.expect("added");
    }
    assert_eq!(store.counts("total").await.expect("counts")[0].value, 10);
    assert_eq!(minutes(&*store, &["total"]).await, [minute("total", NOW, &[("requests", 10)])]);
}

pub(crate) async fn points_add_up_by_series_and_span(home: &impl Home) {
    let store = home.open().await;
    let (first, second) = ([("requests", 1), ("tokens", 10)], [("errors", 1), ("requests", 2)]);
    let points = [minute("total", NOW, &first), hour("total", NOW, &first)];
    add(&*store, "1", &points).await;
    add(&*store, "2", &[minute("model:a", NOW, &first), minute("total", NOW + 1, &first)]).await;
    add(&*store, "3", &[minute("total", NOW, &second), hour("total", NOW + 59, &second)]).await;
    add(&*store, "4", &[minute("total", NOW, &[]), minute("none", NOW, &[])]).await;
    let sums = [("errors", 1), ("requests", 3), ("tokens", 10)];
    let expected = [minute("total", NOW, &sums), minute("total", NOW + 1, &first)];
    assert_eq!(minutes(&*store, &["total"]).await, expected);
    let hours = within(&*store, &["total", "model:a"], Span::Hour, (0, u64::MAX)).await;
    assert_eq!(hours, [hour("total", NOW, &sums)]);
    assert_eq!(minutes(&*store, &["model:a"]).await, [minute("model:a", NOW, &first)]);
    assert_eq!(minutes(&*store, &["none", "nobody"]).await, [], "nothing happened");
    assert!(store.counts("").await.expect("counts").is_empty(), "a point is no counter");
}

pub(crate) async fn of_points_those_that_are_asked_for_are_read(home: &impl Home) {
    let store = home.open().await;
    let figures = [("requests", 1)];
    let times = [NOW + 61, NOW, NOW + 29, NOW + 2, NOW + 1, NOW + 90];
    let points = ["a", "b", "c"].map(|series| times.map(|at| minute(series, at, &figures)));
    add(&*store, "batch", points.as_flattened()).await;
    let found = within(&*store, &["c", "a"], Span::Minute, (NOW + 1, NOW + 61)).await;
    let sorted = [NOW + 1, NOW + 2, NOW + 29, NOW + 61];
    let expected = ["c", "a"].map(|series| sorted.map(|at| minute(series, at, &figures)));
    assert_eq!(found, expected.as_flattened(), "both ends are within");
    let none = within(&*store, &["a"], Span::Minute, (NOW + 3, NOW + 28)).await;
    assert_eq!(none, [], "and nothing else is");
    assert_eq!(within(&*store, &["a"], Span::Minute, (NOW + 2, NOW + 1)).await, []);
    assert_eq!(within(&*store, &[], Span::Minute, (0, u64::MAX)).await, []);
}

pub(crate) async fn points_of_any_name_come_back_as_they_were(home: &impl Home) {
    let store = home.open().await;
    let names = ["", "a\0b", "a\0", "a\nb", "it's \"so\"", "🦙:é", "a", "a:1", "%00*?[a]\\", "1:a"];
    let value = |name: &str| name.len() as u64 + 1;
    let points = names.map(|name| minute(name, NOW, &[("requests", value(name))]));
    add(&*store, "batch", &points).await;
    assert_eq!(minutes(&*store, &names).await, points);
    store.forget("a").await.expect("forgotten");
    assert_eq!(minutes(&*store, &names).await.len(), names.len() - 1);
}

pub(crate) async fn points_that_are_too_old_are_dropped(home: &impl Home) {
    let store = home.open().await;
    let (figures, day) = ([("requests", 1)], Span::Minute.kept());
    let old = [0, NOW, NOW + 100].map(|at| minute("total", at, &figures));
    add(&*store, "old", &old).await;
    add(&*store, "hour", &[hour("total", NOW, &figures)]).await;
    let new = minute("total", NOW + 100 + day, &figures);
    add(&*store, "new", std::slice::from_ref(&new)).await;
    let kept = [old[2].clone(), new];
    assert_eq!(minutes(&*store, &["total"]).await, kept, "a day later, and not before");
    let hours = within(&*store, &["total"], Span::Hour, (0, u64::MAX)).await;
    assert_eq!(hours.len(), 1, "hours are kept for longer");
    add(&*store, "late", &[old[0].clone(), kept[1].clone()]).await;
    let kept = [kept[0].clone(), minute("total", NOW + 100 + day, &[("requests", 2)])];
    assert_eq!(minutes(&*store, &["total"]).await, kept, "one that comes late does not stay");
}

/// For stores that nobody shares: those of several servers go when their time is over.
pub(crate) async fn what_nothing_happens_to_any_more_is_dropped(home: &impl Home) {
    let store = home.open().await;
    let figures = [("requests", 1)];
    add(&*store, "old", &[minute("gone", NOW, &figures)]).await;
    let day = Span::Minute.kept();
    add(&*store, "later", &[minute("total", NOW + day, &figures)]).await;
    assert_eq!(minutes(&*store, &["gone"]).await.len(), 1);
    add(&*store, "too late", &[minute("total", NOW + day + 5, &figures)]).await;
    assert_eq!(minutes(&*store, &["gone"]).await, []);
}

pub(crate) async fn a_series_that_is_forgotten_has_no_points(home: &impl Home) {
    let store = home.open().await;
    let figures = [("requests", 1)];
    let other = minute("key_2", NOW, &figures);
    let times = [NOW, NOW + 70, NOW + 1000];
    let minutes_of_it = times.map(|at| minute("key_1", at, &figures));
    let hours = times.map(|at| hour("key_1", at, &figures));
    let points = [&minutes_of_it[..], &hours, std::slice::from_ref(&other)].concat();
    let count = Count::new("key_1", "requests", 3);
    store.add("batch", &[count], &points).await.expect("added");
    store.forget("key_1").await.expect("forgotten");
    assert_eq!(minutes(&*store, &["key_1", "key_2"]).await, [other]);
    assert_eq!(within(&*store, &["key_1"], Span::Hour, (0, u64::MAX)).await, []);
    assert_eq!(store.counts("").await.expect("counts"), []);
    add(&*store, "again", &minutes_of_it[..1]).await;
    assert_eq!(minutes(&*store, &["key_1"]).await, minutes_of_it[..1], "it begins anew");
}

pub(crate) async fn a_full_figure_stays_full(home: &impl Home) {
    let store = home.open().await;
    let full = [("requests", 1), ("tokens", u64::MAX)];
    add(&*store, "1", &[minute("total", NOW, &full), minute("total", NOW, &full)]).await;
    add(&*store, "2", &[minute("total", NOW, &[("tokens", 9)])]).await;
    let [point] = minutes(&*store, &["total"]).await.try_into().expect("one point");
    assert_eq!(point.figures[0], ("requests".to_owned(), 2), "the others go on");
    let (name, value) = &point.figures[1];
    assert!(name == "tokens" && *value >= u64::MAX >> 1, "it is full, and not negative: {value}");
}

pub(crate) async fn what_many_add_at_once_is_all_there(home: &impl Home) {
    let stores = [home.open().await, home.beside().await];
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let store = stores[number % 2].clone();
        tasks.spawn(async move {
            let points = [
                minute("total", NOW, &[("requests", 1), ("tokens", 3)]),
                minute("model:a", NOW + number as u64, &[("requests", 1)]),
            ];
            let count = [Count::new("total", "requests", 1)];
            store.add(&format!("batch-{number}"), &count, &points).await.expect("added");
        });
    }
    tasks.join_all().await;
    for store in stores {
        let sums = [minute("total", NOW, &[("requests", 40), ("tokens", 120)])];
        assert_eq!(minutes(&*store, &["total"]).await, sums);
        assert_eq!(minutes(&*store, &["model:a"]).await.len(), 40);
        assert_eq!(store.counts("total").await.expect("counts")[0].value, 40);
    }
}

/// For stores that outlive the process.
#[cfg(any(feature = "redis", feature = "sqlite"))]
pub(crate) async fn points_are_there_after_opening_again(home: &impl Home) {
    let store = home.open().await;
    let points =
        [minute("total", NOW, &[("a", 1), ("b", 2)]), minute("total", NOW + 1, &[("c", 3)])];
    add(&*store, "batch", &points).await;
    drop(store);
    let store = home.open().await;
    assert_eq!(minutes(&*store, &["total"]).await, points);
    add(&*store, "batch", &points).await;
    assert_eq!(minutes(&*store, &["total"]).await, points, "the batch is still known");
}
