//! A code that is good is the one that was signed, to the letter.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llm2api_core::auth::{AuthCode, Claims, PrivateKey, read, sign, verify};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NOW: u64 = 1_790_000_000;

fuzz_target!(|text: &str| {
    let key = PrivateKey::parse(KEY).expect("32 bytes");
    if let Ok(code) = AuthCode::new(text) {
        assert_eq!(format!("{code:?}"), "AuthCode(***)");
    }
    if let Ok(claims) = verify(text, &key.public_key(), NOW) {
        assert_eq!(read(text, None), Ok(claims), "who has the key reads the same as who has none");
    }
    // Whatever a holder is called, his code says so.
    let claims = Claims::new("code_1", text, NOW);
    if let Ok(code) = sign(&claims, &key) {
        assert_eq!(verify(code.expose(), &key.public_key(), NOW), Ok(claims));
    }
});
