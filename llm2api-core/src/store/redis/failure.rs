//! What an error of Redis means to whoever runs the server.

use ::redis::{ErrorKind as RedisErrorKind, RedisError};

use crate::error::{Error, ErrorKind};

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
        Some("LOADING") => "Redis is still reading its data",
        Some("CROSSSLOT" | "MOVED" | "CLUSTERDOWN") => {
            "`STORE_URL` names a cluster: name a single Redis"
        }
        _ if error.kind() == RedisErrorKind::AuthenticationFailed => return refused(),
        _ if error.is_timeout() => "Redis does not answer in time",
        _ if error.is_io_error() => "Redis cannot be reached: start it, or mend `STORE_URL`",
        _ => "Redis refused to keep something",
    };
    (ErrorKind::Store, message)
}

fn refused() -> (ErrorKind, &'static str) {
    (ErrorKind::Configuration, "Redis refuses the user or the password of `STORE_URL`")
}
