//! The file of scenarios.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use llm2api_tests::Step;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::transcript::Transcript;

/// A request, and what comes of it through every door.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// A sentence that says what holds.
    pub(crate) name: String,
    /// The kinds of upstream that it holds for.
    upstreams: BTreeSet<Kind>,
    /// Settings beside those of the upstream, by the names of the table. `{upstream}` in a value is
    /// the upstream's address.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    /// What the upstream does with the next chats, the steps of one each.
    #[serde(default)]
    script: Vec<Vec<Step>>,
    /// The request; a text is sent as it is, be it JSON or not.
    request: Value,
    /// The transcript.
    expect: Map<String, Value>,
    /// Fields of it that are others with some kinds of upstream.
    #[serde(default)]
    expect_of: Vec<Others>,
}

/// Fields of the transcript with some kinds of upstream.
#[derive(Debug, Deserialize)]
struct Others {
    upstreams: BTreeSet<Kind>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// A scenario with one kind of upstream.
#[derive(Debug)]
pub(crate) struct Case {
    name: String,
    /// The kind of upstream.
    pub(crate) upstream: Kind,
    /// Settings beside those of the upstream.
    pub(crate) settings: BTreeMap<String, String>,
    /// What the upstream does with the next chats.
    pub(crate) script: Vec<Vec<Step>>,
    /// The request's text.
    pub(crate) body: String,
    /// What must come of it.
    pub(crate) expect: Transcript,
}

/// Reads the file.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/doors.json");
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every scenario with each of its kinds of upstream.
pub(crate) fn cases() -> Vec<Case> {
    let scenarios = scenarios();
    let with_each = |scenario: &Scenario| {
        assert!(!scenario.upstreams.is_empty(), "no upstream: {}", scenario.name);
        let mut others = scenario.expect_of.iter().flat_map(|others| &others.upstreams);
        let known = others.all(|kind| scenario.upstreams.contains(kind));
        assert!(known, "expected and not run: {}", scenario.name);
        scenario.upstreams.iter().map(|kind| scenario.with(*kind)).collect::<Vec<_>>()
    };
    scenarios.iter().flat_map(with_each).collect()
}

impl Scenario {
    fn with(&self, upstream: Kind) -> Case {
        Case {
            name: self.name.clone(),
            upstream,
            settings: self.settings.clone(),
            script: self.script.clone(),
            body: self.request.as_str().map_or_else(|| self.request.to_string(), str::to_owned),
            expect: self.expected(upstream),
        }
    }

    fn expected(&self, upstream: Kind) -> Transcript {
        let mut fields = self.expect.clone();
        let others = self.expect_of.iter().filter(|others| others.upstreams.contains(&upstream));
        others.for_each(|others| fields.extend(others.fields.clone()));
        let transcript = serde_json::from_value(Value::Object(fields));
        transcript.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.name, self.upstream)
    }
}
