//! The store, for a command that runs beside a server or without one.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use llm2api_core::Result;
use llm2api_core::store::Store;

use crate::config::Config;
use crate::store;

/// What a command does where the store's file is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// It fails: in a wrong directory it would find nothing and say so.
    Refuse,
    /// It makes the file and says where: what it writes may come before the first start.
    Make,
}

/// Opens the store that the settings name.
pub(super) async fn open(config: &Config, absent: Absent) -> Result<Arc<dyn Store>> {
    let missing = store::missing(config);
    match absent {
        Absent::Refuse => store::open_beside(config).await,
        Absent::Make => {
            let store = store::open_or_make(config).await?;
            missing.into_iter().for_each(say_made);
            Ok(store)
        }
    }
}

/// On stderr: what a command prints may be taken as it is.
fn say_made(path: &Path) {
    let _ = writeln!(
        io::stderr(),
        "llm2api-server: a new store was made, {}: the server has to use the same",
        path.display()
    );
}
