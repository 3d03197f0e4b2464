//! The list of guarantees and the tests that are named after them say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::sources::{root, sources};

/// Names such as `g04_…` that follow `before`.
fn names(text: &str, before: &str) -> BTreeSet<String> {
    let name = |rest: &str| {
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("").to_owned()
    };
    let is_one = |name: &String| {
        let mut letters = name.chars();
        letters.next() == Some('g')
            && letters.by_ref().take(2).all(|c| c.is_ascii_digit())
            && letters.next() == Some('_')
    };
    text.split(before).skip(1).map(name).filter(is_one).collect()
}

#[test]
fn every_guarantee_has_one_row() {
    let list = fs::read_to_string(root().join("docs/GUARANTEES.md")).expect("the list");
    let rows = list.lines().filter_map(|line| line.strip_prefix("| G")?.split(' ').next());
    let rows: Vec<_> = rows.collect();
    let once: BTreeSet<_> = rows.iter().collect();
    assert!(rows.len() > 30 && rows.len() == once.len(), "{rows:?}");
}

#[test]
fn the_guarantees_name_tests_that_exist() {
    let folders = ["llm2api-core", "llm2api-server", "tests"];
    let files: Vec<_> = folders.iter().flat_map(|folder| sources(&root().join(folder))).collect();
    let text = |path: &PathBuf| fs::read_to_string(path).expect("a source file");
    let tests: BTreeSet<_> = files.iter().flat_map(|path| names(&text(path), "fn ")).collect();
    let listed = names(&text(&root().join("docs/GUARANTEES.md")), "`");
    assert!(tests.len() > 30, "{tests:?}");
    assert_eq!(listed, tests);
}
