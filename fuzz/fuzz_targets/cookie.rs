//! A set of cookies that was read, written and read again is the same set.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm2api_core::CookieSet;

fuzz_target!(|text: &str| {
    let Ok(set) = CookieSet::parse(text) else { return };
    let header = set.header();
    let header = header.expose();
    assert!(
        header.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
        "no header value: {header:?}"
    );
    let again = CookieSet::parse(header).expect("what was written can be read");
    assert_eq!(again, set);
    assert_eq!(again.header().expose(), header);
    for value in set.values() {
        assert_eq!(format!("{value:?}{value}"), "******");
    }
});
