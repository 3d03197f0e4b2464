//! What an error of Redis means to whoever runs the server.

use ::redis::{ErrorKind as RedisErrorKind, RedisError};

use crate::error::{Error, ErrorKind};

const AWAY: &str = "Redis cannot be reached: start it, or mend `STORE_URL`";
const LATE: &str = "Redis does not answer in time: look at its load, and at the network";

/// Says that Redis is away, without having asked.
pub(super) fn away() -> Error {
    Error::new(ErrorKind::Store, "store", AWAY)
}

/// Says that Redis takes too long.
pub(super) fn late() -> Error {
    Error::new(ErrorKind::Store, "store", LATE)
}

/// Makes our error of one of Redis's. The address is not named: it may hold a password.
pub(super) fn of(error: RedisError) -> Error {
    let (kind, message) = meaning(&error);
    Error::new(kind, "store", message).with_source(error)
}

fn meaning(error: &RedisError) -> (ErrorKind, &'static str) {
    let message = match error.code() {
        Some("NOAUTH" | "WRONGPASS") => return refused(),
        Some("NOPERM") => {
            "the user of `STORE_URL` lacks rights: it needs all commands on llm2api:*"
        }
        Some("OOM") => "Redis is out of memory: raise its `maxmemory`",
        Some("MISCONF") => "Redis cannot write to its disk: look at its log",
        Some("READONLY") => "`STORE_URL` names a replica: name the primary",
        Some("LOADING") => "Redis is still reading its data: wait until it has",
        Some("CROSSSLOT" | "MOVED" | "CLUSTERDOWN") => {
            "`STORE_URL` names a cluster: name a single Redis"
        }
        _ if error.kind() == RedisErrorKind::AuthenticationFailed => return refused(),
        _ if error.is_timeout() => LATE,
        _ if error.is_io_error() => AWAY,
        _ => "Redis refused a command: look at its log and its version, which must be 5 or newer",
    };
    (ErrorKind::Store, message)
}

fn refused() -> (ErrorKind, &'static str) {
    (ErrorKind::Configuration, "Redis refuses the user or the password of `STORE_URL`")
}
