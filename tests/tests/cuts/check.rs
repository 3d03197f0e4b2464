//! Holding what was heard against what should have been.

use std::io::{self, Write as _};

use crate::lane::{Heard, Run};

/// Failures that are shown.
const SHOWN: usize = 8;
/// Of a hundred calls so many must have been cut.
const CUT: usize = 90;
/// Of a hundred more cuts of a call so many must have been made: where an answer is taken up again
/// late, what is left of it ends before most of them.
const MADE: usize = 10;

/// Checks every run and says how many cuts were made.
///
/// # Panics
/// When `fault` finds one, the message shows the first few; or when hardly anything was cut.
pub(crate) fn all(title: &str, runs: &[Run], fault: impl Fn(&Run) -> Option<String>) {
    let cuts: usize = runs.iter().map(|run| run.cuts).sum();
    let faults: Vec<_> = runs.iter().filter_map(|run| Some((run, fault(run)?))).collect();
    let line = format!("{title}: {} calls, {cuts} cuts, {} wrong", runs.len(), faults.len());
    _ = writeln!(io::stderr(), "{line}");
    made(&line, runs, cuts);
    let shown = faults.iter().take(SHOWN).map(|(run, fault)| {
        let Run { plan, generations, heard, .. } = run;
        format!("{fault}\n  {plan:?}, {generations} generations\n  {heard:?}\n")
    });
    assert!(faults.is_empty(), "{line}\n{}", shown.collect::<String>());
}

/// Checks that most of what was planned has happened, with `cuts` in all.
fn made(title: &str, runs: &[Run], cuts: usize) {
    let cut = runs.iter().filter(|run| run.cuts > 0).count();
    assert!(cut * 100 >= runs.len() * CUT, "{title}: {cut} calls were cut");
    let planned: usize = runs.iter().map(|run| run.plan.len()).sum();
    let (more, planned) = (cuts - cut, planned - runs.len());
    assert!(more * 100 >= planned * MADE, "{title}: {more} of {planned} more cuts");
}

/// The same answer, by one generation.
pub(crate) fn same(run: &Run, whole: &Heard) -> Option<String> {
    match () {
        () if run.heard != *whole => Some(format!("not the same as {whole:?}")),
        () if run.generations != 1 => Some("more than one generation".to_owned()),
        () => None,
    }
}

/// The beginning of the answer, and no reason to take it for whole.
pub(crate) fn beginning(run: &Run, whole: &Heard) -> Option<String> {
    let Heard { reasoning, text, finish, .. } = &run.heard;
    match () {
        () if !whole.reasoning.starts_with(reasoning) || !whole.text.starts_with(text) => {
            Some(format!("no beginning of {whole:?}"))
        }
        () if finish.is_some() => Some("half an answer with a finish reason".to_owned()),
        () => None,
    }
}

/// The whole answer; or its beginning and an error.
pub(crate) fn whole_or_error(run: &Run, whole: &Heard) -> Option<String> {
    let Heard { reasoning, text, error, .. } = &run.heard;
    let something = !reasoning.is_empty() || !text.is_empty();
    if run.heard == *whole {
        return None;
    }
    beginning(run, whole).or(match () {
        () if something && run.generations != 1 => Some("sent again after content".to_owned()),
        () => match error {
            None => Some("a quiet end".to_owned()),
            Some((kind, _)) if something && kind != "UpstreamIncomplete" => {
                Some("another kind of error after content".to_owned())
            }
            Some(_) => None,
        },
    })
}
