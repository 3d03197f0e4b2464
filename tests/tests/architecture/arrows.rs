//! Keeps the dependency arrows of the design: reads the `use crate::…` lines of the core.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::sources::{root, sources};

/// Which modules of the core may name which others.
const ALLOWED: [(&str, &[&str]); 29] = [
    ("backlog", &[]),
    ("error", &["chat"]),
    ("clock", &[]),
    ("dormant", &["clock"]),
    ("hex", &[]),
    ("random", &["error"]),
    ("limits", &[]),
    ("chat", &["clock", "error", "hex", "random"]),
    ("single_flight", &["clock", "error"]),
    ("adapt", &["chat", "error"]),
    ("documents", &["adapt", "error"]),
    ("credential", &["error"]),
    ("http", &["adapt", "dormant", "error", "limits"]),
    (
        "upstream",
        &[
            "adapt",
            "chat",
            "clock",
            "credential",
            "dormant",
            "error",
            "hex",
            "http",
            "limits",
            "random",
            "single_flight",
        ],
    ),
    ("search", &["adapt", "chat", "clock", "error", "http", "limits", "single_flight"]),
    ("metrics", &["chat", "error"]),
    ("quota", &["clock", "credential", "error", "store"]),
    (
        "auth",
        &["clock", "credential", "error", "hex", "http", "limits", "quota", "random", "store"],
    ),
    ("store", &["clock", "credential", "error", "hex", "random"]),
    ("stats", &["clock", "error", "metrics", "store"]),
    ("keys", &["clock", "credential", "error", "hex", "quota", "random", "store"]),
    ("pool", &["chat", "clock", "credential", "error", "metrics", "store"]),
    (
        "accounts",
        &[
            "backlog",
            "clock",
            "conversations",
            "credential",
            "error",
            "metrics",
            "pool",
            "single_flight",
            "stats",
            "store",
            "upstream",
        ],
    ),
    ("layers", &["adapt", "auth", "chat", "clock", "error", "metrics", "pool", "search"]),
    ("catalog", &["adapt", "chat", "error", "pool", "single_flight", "upstream"]),
    ("outbox", &["clock", "credential", "error", "store", "upstream"]),
    ("conversations", &["clock", "credential", "error", "outbox", "store", "upstream"]),
    (
        "tasks",
        &[
            "accounts",
            "auth",
            "catalog",
            "clock",
            "conversations",
            "credential",
            "error",
            "keys",
            "outbox",
            "quota",
            "stats",
            "upstream",
        ],
    ),
    (
        "client",
        &[
            "accounts", "auth", "catalog", "chat", "clock", "error", "keys", "limits", "metrics",
            "pool", "quota", "stack", "stats", "tasks",
        ],
    ),
];

fn core() -> PathBuf {
    root().join("llm2api-core/src")
}

/// The module of a file: its first folder, or its own name.
fn module(file: &Path) -> String {
    let inner = file.strip_prefix(core()).expect("a file of the core");
    let first = inner.components().next().expect("a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules that a file names, its tests apart.
fn named(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let uses =
        code.flat_map(|line| line.split("crate::").skip(1).map(str::to_owned).collect::<Vec<_>>());
    let first = |rest: String| {
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned()
    };
    uses.map(first).filter(|name| name.starts_with(|c: char| c.is_lowercase())).collect()
}

#[test]
fn the_arrows_point_as_designed() {
    let files = sources(&core());
    assert!(files.len() > 50, "the core has more files than {}", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let module = module(&file);
        if matches!(module.as_str(), "lib" | "stack" | "docs") || file.ends_with("tests.rs") {
            continue; // `stack` is the one that knows everything
        }
        let allowed = ALLOWED.iter().find(|(name, _)| *name == module);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("module `{module}` has no row here"));
        let text = fs::read_to_string(&file).expect("a source file");
        for name in named(&text) {
            if name != module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: names `{name}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_store_never_names_reqwest_and_layers_name_no_engine() {
    let files = sources(&core());
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        let module = module(&file);
        if module == "store" || module == "pool" {
            assert!(!text.contains("reqwest"), "{}", file.display());
        }
        if module == "layers" {
            // What only some builds can test names the feature, and nothing behind it.
            let text = text.replace("#[cfg(feature = \"openai\")]", "");
            for name in ["chat_ui", "openai", "MemoryStore"] {
                assert!(!text.contains(name), "{} names {name}", file.display());
            }
        }
    }
}

#[test]
fn only_tasks_spawns() {
    let files = sources(&core());
    // SQLite blocks: its one thread is a system's thread, outside any runtime.
    // What a document is read by is a process.
    let may = ["tasks.rs", "store/sqlite/thread.rs", "documents/process.rs"];
    for file in files.iter().filter(|file| !may.iter().any(|name| file.ends_with(name))) {
        let text = fs::read_to_string(file).expect("a source file");
        let spawns = text.contains("tokio::spawn(") || text.contains(".spawn(");
        assert!(!spawns, "{} spawns", file.display());
    }
}
