//! A clean-up as the store keeps it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::store::KeptCleanup;
use crate::upstream::{Cleanup, Run, Target};

/// All of a clean-up but its id and its credential.
#[derive(Serialize, Deserialize)]
struct Details {
    begun: u64,
    target: Target,
    run: Run,
}

/// Writes what is to be done as JSON.
pub(crate) fn write(cleanup: &Cleanup) -> Result<String> {
    let Cleanup { begun, target, run, .. } = cleanup.clone();
    serde_json::to_string(&Details { begun, target, run }).map_err(|error| {
        let message = "a clean-up does not become JSON";
        Error::new(ErrorKind::Internal, "keep clean-up", message).with_source(error)
    })
}

/// Reads what another process wrote. What it knew to be under way may have ended since, and what it
/// asked for may still be on its way.
pub(crate) fn read(kept: KeptCleanup) -> Option<Cleanup> {
    let Details { begun, target, run } = serde_json::from_str(&kept.details).ok()?;
    let run = match run {
        Run::Active(run) => Run::Unsure(run),
        run => run,
    };
    let cleanup = Cleanup::new(kept.credential, target);
    let begun = match &cleanup.target {
        Target::Unheard(_) => begun,
        // It may have been kept for long before it was to go: it is tried from now on.
        _ => cleanup.begun,
    };
    Some(Cleanup { id: kept.id, begun, run, ..cleanup })
}
