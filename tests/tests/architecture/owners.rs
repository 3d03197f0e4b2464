//! Who owns what: no code goes around the compiler, and an upstream's body has one owner.

use std::fs;

use crate::sources::{root, sources};

/// Everything that is built, but the bindings.
const CRATES: [&str; 5] = ["llm2api-core", "llm2api-server", "tests", "examples", "bench"];

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn g06_no_code_is_unsafe_and_each_body_has_one_owner() {
    assert!(text("Cargo.toml").contains("\nunsafe_code = \"forbid\"\n"));
    for name in CRATES {
        let manifest = text(&format!("{name}/Cargo.toml"));
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} has other lints");
        for file in sources(&root().join(name).join("src")) {
            let code = fs::read_to_string(&file).expect("a source file");
            let goes_around = ["unsafe {", "unsafe fn", "unsafe impl"];
            // `forbid` cannot be taken back by an attribute; this says where it was tried.
            assert!(!goes_around.iter().any(|word| code.contains(word)), "{}", file.display());
        }
    }
    // A response is given away whole by whoever reads its body, and the stream that comes of it
    // cannot be copied or shared.
    let client = text("llm2api-core/src/http/client.rs");
    assert!(client.contains("fn into_stream(self)") && client.contains("async fn bytes(self,"));
    let body = text("llm2api-core/src/http/body.rs");
    let before = body.split("struct BodyStream").next().expect("the stream");
    let attributes = before.rsplit("\n\n").next().expect("its attributes");
    assert!(!attributes.contains("derive"), "the stream of a body derives nothing");
    assert!(!body.contains("impl Clone") && !body.contains("Arc<"));
}
