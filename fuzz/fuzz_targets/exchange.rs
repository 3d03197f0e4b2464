//! Credentials that were found in a text, written and read again are the same credentials.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm2api_core::Credential;
use llm2api_core::credential::exchange::{self, ExchangeFormat, Found};

fuzz_target!(|text: &str| {
    let formats = ExchangeFormat::ALL.map(Some).into_iter().chain([None]);
    for found in formats.filter_map(|format| exchange::read(text, format).ok()) {
        check(&found);
    }
});

fn check(found: &[Found]) {
    let good = |one: &&Found| Credential::parse("up", one.secret.expose()).is_ok();
    let good: Vec<_> = found.iter().filter(good).cloned().collect();
    for format in ExchangeFormat::ALL {
        let Ok(written) = exchange::write(&good, format) else { continue };
        let again = exchange::read(written.expose(), Some(format));
        let again = again.expect("what was written can be read");
        // A cookie file holds what a browser would send, which may be less.
        if format != ExchangeFormat::Netscape {
            let secrets = |list: &[Found]| list.iter().map(secret).collect::<Vec<_>>();
            assert_eq!(secrets(&again), secrets(&good), "{format:?}");
        }
    }
}

fn secret(found: &Found) -> String {
    let text = found.secret.expose();
    text.strip_prefix("Cookie:").unwrap_or(text).trim().to_owned()
}
