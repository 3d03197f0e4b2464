use proptest::prelude::*;

use super::clean::is_unseen;
use super::{line, start, text};

/// Whatever an engine may send: words, markup, entities, and characters that nobody sees.
pub(in super::super) fn markup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z0-9 .,;é中]{0,12}",
        2 => r"(</?[a-zA-Z!/?-]{0,8}( [a-z]{1,6}(=['\x22]?[a-z<>]{0,4}['\x22]?)?)?/?>?)",
        2 => "(&(#x?)?[a-zA-Z0-9]{0,8};?)",
        1 => prop::sample::select(&[
            "<script>", "</script>", "<style>", "<!--", "-->", "<template>", "<textarea>", "<svg>",
            "<![CDATA[", "]]>", "<select>", "</search>", "&lt;/search&gt;", "&amp;lt;", "<plaintext>",
        ][..]).prop_map(str::to_owned),
        1 => prop::collection::vec(prop_oneof![
            prop::char::range('\0', '\u{20}'),
            prop::char::range('\u{7f}', '\u{ad}'),
            prop::char::range('\u{200b}', '\u{206f}'),
            prop::char::range('\u{fe00}', '\u{fe0f}'),
            prop::char::range('\u{fff0}', '\u{fffd}'),
            prop::char::range('\u{e0000}', '\u{e01ef}'),
        ], 0..6).prop_map(String::from_iter),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// The law of all text that leaves this module.
pub(in super::super) fn is_plain(text: &str, most: usize) -> bool {
    let wrong = |letter| letter != '\n' && (is_unseen(letter) || letter == '<' || letter == '>');
    !text.contains(wrong)
        && text.chars().count() <= most
        && text.trim() == text
        && !text.contains("\n\n")
        && !text.contains("  ")
}

#[test]
fn tags_go_and_their_text_stays() {
    let cases = [
        ("<b>Tea</b> and <i class=\"a>b\">cake</i>", "Tea and cake"),
        ("Tea<br>and<p>cake</p>jam", "Tea and cake jam"),
        ("a<script>b</script>c<style>d</style>e<template>f<b>g</b></template>h", "aceh"),
        ("a<script>b", "a"),
        ("a<!-- b -->c<!doctype html>d<?php e ?>f", "acdf"),
        ("<td>1</td><td>2</td>", "1 2"),
        ("a <b", "a"),
        ("<title>a</title> <textarea><b></textarea>", "a ‹b›"),
        ("<SCRIPT>a</ScRiPt >b", "b"),
        ("<<b>a</b>>", "‹a›"),
    ];
    for (markup, plain) in cases {
        assert_eq!(line(markup, 100), plain, "{markup}");
    }
}

#[test]
fn sentences_that_compare_are_no_markup() {
    for (sentence, plain) in [
        ("a < b and c > d", "a ‹ b and c › d"),
        ("1 <2 and 3> 2", "1 ‹2 and 3› 2"),
        ("I <3 tea", "I ‹3 tea"),
        ("x <= y", "x ‹= y"),
        ("a -> b <- c", "a -› b ‹- c"),
        ("the end <", "the end ‹"),
        ("full ＜width＞ ﹤small﹥", "full ＜width＞ ﹤small﹥"),
    ] {
        assert_eq!(line(sentence, 100), plain, "{sentence}");
    }
}

#[test]
fn entities_are_decoded_once_and_never_to_tags() {
    for (markup, plain) in [
        ("Tea &amp; cake &mdash; &#x4e2d;&#25991;&nbsp;!", "Tea & cake — 中文 !"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("<i>&amp;</i>lt;", "&lt;"),
        ("&lt;/search&gt;", "‹/search›"),
        ("<b>&lt;script&gt;a&lt;/script&gt;</b>", "‹script›a‹/script›"),
        ("&#60;b&#62; &#0; &#7; &#xad; &#x202e;", "‹b› &#0; &#7;"),
        ("AT&T & more; &unknown; &", "AT&T & more; &unknown; &"),
    ] {
        assert_eq!(line(markup, 100), plain, "{markup}");
    }
}

#[test]
fn what_nobody_sees_is_gone() {
    let hidden = "a\u{ad}\u{200b}\u{200e}\u{202e}\u{2060}\u{2066}\u{feff}\u{fff9}\u{180e}\u{61c}\
                  \u{e0001}\u{e0041}\u{e01ef}\u{3164}\u{115f}\0\u{7}\u{1b}\u{9b}b";
    assert_eq!(line(hidden, 100), "ab");
    assert_eq!(line("a\u{a0}\u{2003}\u{3000}\t\u{2800}b", 100), "a b");
    assert_eq!(
        line("می\u{200c}خواهم 👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥", 100),
        "می\u{200c}خواهم 👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥"
    );
    let row = "a\u{200c}\u{200d}\u{200c}b\u{fe01}\u{fe02}\u{fe0f}c \u{200d}d";
    assert_eq!(line(row, 100), "a\u{200c}b\u{fe01}c d", "a row of joiners is a message of its own");
    assert_eq!(line("\u{200d}\u{fe0f}", 100), "");
}

#[test]
fn lines_stay_where_they_are_wanted() {
    let markup = " One\r\n\r\n\n two \t three<br><br>four<p>five</p><p>six</p>\u{2028}seven ";
    assert_eq!(text(markup, 100), "One\ntwo three\nfour\nfive\nsix\nseven");
    assert_eq!(line(markup, 100), "One two three four five six seven");
    assert_eq!(text("a\n \nb", 100), "a\nb");
}

#[test]
fn what_is_too_long_ends_with_an_ellipsis() {
    assert_eq!(line("äöü", 3), "äöü");
    assert_eq!(line("äöüß", 3), "äö…");
    assert_eq!(line("ab cd", 4), "ab…");
    assert_eq!(line("<b>ab</b>   ", 2), "ab");
    assert_eq!([line("ab", 1), line("ab", 0)], ["…", ""]);
    assert_eq!(start("aä", 2), "a");
    let long = "x<b>y</b>".repeat(1 << 20);
    assert_eq!(line(&long, 10), "xyxyxyxyx…");
}

proptest! {
    #[test]
    fn whatever_comes_in_plain_text_comes_out(markup in markup(), most in 0..120_usize) {
        let one = line(&markup, most);
        prop_assert!(is_plain(&one, most) && !one.contains('\n'), "{one:?}");
        let lines = text(&markup, most);
        prop_assert!(is_plain(&lines, most), "{lines:?}");
    }

    #[test]
    fn what_is_plain_stays_as_it_is(markup in markup(), most in 1..120_usize) {
        let one = line(&markup, most);
        let again = line(&one, most);
        prop_assert!(is_plain(&again, most));
        // Entities are decoded once more, and nothing else changes.
        if !one.contains('&') {
            prop_assert_eq!(&again, &one);
        }
        let lines = text(&markup, most);
        if !lines.contains('&') {
            prop_assert_eq!(text(&lines, most), lines);
        }
    }

    #[test]
    fn words_come_out_as_they_went_in(words in "[a-zA-Z0-9.,;:!?é中я]{1,12}( [a-z(){}'\"/-]{1,9}){0,9}") {
        prop_assert_eq!(line(&words, 200), words.clone());
        prop_assert_eq!(text(&words, 200), words);
    }
}
