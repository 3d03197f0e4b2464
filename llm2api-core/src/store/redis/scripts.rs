//! The scripts that run in Redis, each after the names that all share.

use ::redis::Script;

/// The names of all series of counters.
pub(super) const SERIES: &str = "llm2api:series";
/// Counters of a series, behind this.
pub(super) const COUNTERS: &str = "llm2api:counters:";
/// Points of a chunk, behind this.
pub(super) const POINTS: &str = "llm2api:points:";
/// The chunks of a series, behind this.
pub(super) const CHUNKS: &str = "llm2api:chunks:";
/// A row, behind this.
pub(super) const ROW: &str = "llm2api:row:";

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        /// All scripts.
        #[derive(Debug)]
        pub(super) struct Scripts {
            $(pub(super) $name: Script),*
        }

        impl Scripts {
            pub(super) fn new() -> Self {
                Self {
                    $($name: Script::new(concat!(
                        include_str!("lua/names.lua"),
                        include_str!(concat!("lua/", stringify!($name), ".lua")),
                    ))),*
                }
            }
        }
    };
}

scripts!(
    add,
    audit,
    audit_log,
    beat,
    change_record,
    changes,
    collect,
    conversations,
    correct,
    forget,
    give_back,
    give_up,
    hold,
    insert,
    outbox,
    owner_of,
    put_outbox,
    record,
    records,
    remember,
    remove,
    remove_outbox,
    replace,
    reseal,
    set_account,
    set_health,
    set_holds,
    set_profile,
    set_value,
    spend,
    take,
    take_outbox,
    used,
    value,
);
