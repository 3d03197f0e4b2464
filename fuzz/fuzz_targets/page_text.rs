//! Whatever a page of the web holds, its text is plain and has an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm2api_core::http::Page;
use llm2api_core::search::{Source, reduce};

const TYPES: [&str; 6] = [
    "text/html",
    "text/html; charset=utf-8",
    "text/html; charset=gbk",
    "text/html; charset=utf-16le",
    "application/xhtml+xml; charset=shift_jis",
    "text/plain",
];

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (content_type, most, bytes) = input;
    let content_type = TYPES[usize::from(content_type) % TYPES.len()];
    let page = Page::new(content_type, bytes.to_vec()).expect("the type of a page");
    if let Some(text) = reduce(&page, usize::from(most)) {
        check(&text, usize::from(most));
    }
    let markup = String::from_utf8_lossy(bytes);
    let source = Source::new("https://example.org/", &markup, &markup).expect("an address");
    check(&source.title, 200);
    check(&source.text, 1000);
    assert!(!source.title.contains('\n'), "a title has one line");
});

fn check(text: &str, most: usize) {
    let wrong = |letter: char| {
        matches!(letter, '<' | '>' | '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{e0000}'..='\u{e0fff}')
            || (letter.is_control() && letter != '\n')
    };
    assert!(!text.contains(wrong), "{text:?}");
    assert!(text.chars().count() <= most, "{} characters", text.chars().count());
    assert!(!text.contains("\n\n") && text.trim() == text, "{text:?}");
}
