//! Markers in all their forms, in code and out of it, wherever the text is cut.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

fn found<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Vec<Citation> {
    let mut citations = Citations::new(12);
    pieces.into_iter().for_each(|piece| citations.push(piece));
    citations.finish()
}

/// The markers of a text, with the numbers of their sources.
fn markers(text: &str) -> Vec<(String, usize)> {
    let marker = |found: Citation| {
        let marker = text.chars().skip(found.start).take(found.end - found.start).collect();
        (marker, found.source + 1)
    };
    found([text]).into_iter().map(marker).collect()
}

fn pieces<'a>(text: &'a str, cuts: &[Index]) -> Vec<&'a str> {
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    ends.extend([0, text.len()]);
    ends.retain(|end| text.is_char_boundary(*end));
    ends.sort_unstable();
    ends.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect()
}

#[test]
fn markers_are_found_in_every_form() {
    let cases: [(&str, &[(&str, usize)]); 16] = [
        ("Paris [1].", &[("[1]", 1)]),
        ("Paris[1][2].", &[("[1]", 1), ("[2]", 2)]),
        ("日本 [1, 3]。", &[("[1, 3]", 1), ("[1, 3]", 3)]),
        ("[3,1,1]", &[("[3,1,1]", 1), ("[3,1,1]", 3)]),
        ("Paris【2】", &[("【2】", 2)]),
        ("[1](https://example.org)", &[("[1]", 1)]),
        ("[[1]]", &[("[1]", 1)]),
        ("[1[2]", &[("[2]", 2)]),
        ("[12] and [13], [0]", &[("[12]", 12)]),
        ("[1, 99]", &[("[1, 99]", 1)]),
        ("[1】 【1]", &[]),
        ("[1, x] [1 2] [1,] [] [,]", &[]),
        ("[00001] [12345678901234567890]", &[]),
        ("[^1] [-1] [1.] [1", &[]),
        ("[1\n] [\u{661}]", &[]),
        (r"\[1\] \[ 1 \]", &[]),
    ];
    for (text, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|(text, n)| ((*text).into(), *n)).collect();
        assert_eq!(markers(text), expected, "{text:?}");
    }
}

#[test]
fn markers_in_code_are_none() {
    let cases: [(&str, &[usize]); 20] = [
        ("`a[1]` [2]", &[2]),
        ("``a`[1]`` [2]", &[2]),
        ("[3] `a[1]`", &[3]),
        ("`[1]", &[1]),
        ("`[1]\nb[2]` [3]", &[3]),
        ("`[1]\n\n`[2]` [3]", &[1, 3]),
        ("``[1]` [2]", &[1, 2]),
        (r"\`[1]` [2]", &[1, 2]),
        (r"\\`[1]` [2]", &[2]),
        (r"`\`[1]", &[1]),
        ("```\n[1]\n```\n[2]", &[2]),
        ("```rust\na[1]\n\n`b`[1]\n```\n[2]", &[2]),
        ("a\n  ```js\n[1]\n  ```  \n[2]", &[2]),
        ("````\n[1]\n```\n[1]\n````\n[2]", &[2]),
        ("```\n[1]\n``` no\n[1]", &[]),
        ("```\n[1]", &[]),
        ("```[1]``` [2]", &[2]),
        ("a ```[1]\n[1]``` [2]", &[2]),
        ("> ```\n> [1]\n> ```\n> [2]", &[2]),
        ("1. ```\n   [1]\n\n   [1]\n   ```\n2. [2]", &[2]),
    ];
    for (text, expected) in cases {
        let numbers: Vec<_> = markers(text).into_iter().map(|(_, number)| number).collect();
        assert_eq!(numbers, expected, "{text:?}");
    }
}

#[test]
fn only_so_many_citations_are_kept() {
    let text = "[1, 2, 3]".repeat(MOST);
    assert_eq!(found([text.as_str()]).len(), MOST);
}

#[test]
fn a_marker_that_never_ends_takes_no_room() {
    let mut citations = Citations::new(12);
    citations.push("[");
    (0..10_000).for_each(|_| citations.push("1, "));
    assert_eq!(citations.length(), 30_001);
    assert!(citations.marker.bytes() <= 200, "{}", citations.marker.bytes());
    citations.push("1] [2]");
    let [Citation { source: 1, start: 30_004, end: 30_007 }] = citations.finish()[..] else {
        panic!("the first marker is too long to be one");
    };
}

const PIECES: [&str; 19] = [
    "a", "日", " ", "\n", "\n\n", "`", "``", "```", "```js\n", "\\", "[1]", "[2, 3]", "【4】", "[",
    "]", "1", ",", "> ", "- ",
];

proptest! {
    #[test]
    fn every_cut_gives_the_same(
        text in vec(select(&PIECES[..]), 0..24),
        cuts in vec(any::<Index>(), 0..8),
    ) {
        let text = text.concat();
        let whole = found([text.as_str()]);
        let each: Vec<_> = text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]).collect();
        prop_assert_eq!(found(pieces(&text, &cuts)), whole.clone());
        prop_assert_eq!(found(each), whole);
    }

    #[test]
    fn places_are_those_of_the_markers(
        said in vec((
            select(&["", "a", "日本 ", "\n", "`x[1]`", "\n```\n[1]\n```\n", "[", "[x]"][..]),
            vec(1_usize..=12, 0..4),
            any::<bool>(),
        ), 0..12),
    ) {
        let (mut text, mut expected) = (String::new(), Vec::new());
        for (words, mut numbers, wide) in said {
            text.push_str(words);
            text.push(' ');
            if numbers.is_empty() {
                continue;
            }
            let list = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let start = text.chars().count();
            let (open, close) = if wide { ("【", "】") } else { ("[", "]") };
            text.extend([open, &list, close]);
            let end = text.chars().count();
            numbers.sort_unstable();
            numbers.dedup();
            expected.extend(numbers.iter().map(|n| Citation { source: n - 1, start, end }));
        }
        prop_assert_eq!(found([text.as_str()]), expected);
    }
}
