//! Log lines as JSON objects.
//!
//! They are tracing-subscriber's own, byte for byte. That one makes them by serde's map of any
//! serializer, which costs several times what the line itself does, and a request has a line.

mod text;
mod time;
mod visitor;

use std::fmt::{self, Write};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use self::text::write_text;
pub(super) use self::time::Utc;
use self::visitor::Fields;

/// Where events stand that came by the crate `log`: their real place is among their fields.
const FOREIGN: &str = "log";
/// What a line takes; a longer one finds its room.
const LINE: usize = 768;

/// Writes an event as an object: when, how grave, its fields, and which module it is of.
#[derive(Debug)]
pub(crate) struct JsonLines<T> {
    /// For the few that stand in a span, or are no events of tracing's.
    whole: Format<Json, T>,
    timer: T,
}

impl<T: Clone> JsonLines<T> {
    /// Writes what tracing-subscriber's formatter would write by this timer.
    pub(crate) fn new(timer: T) -> Self {
        let whole = Format::default().json().flatten_event(true).with_timer(timer.clone());
        Self { whole, timer }
    }
}

impl<T: FormatTime> JsonLines<T> {
    fn write(&self, out: &mut String, event: &Event<'_>) -> fmt::Result {
        let place = event.metadata();
        out.write_str(r#"{"timestamp":""#)?;
        self.timer.format_time(&mut Writer::new(out))?;
        out.write_str(r#"","level":""#)?;
        out.write_str(name(*place.level()))?;
        out.write_char('"')?;
        let mut fields = Fields::new(out);
        event.record(&mut fields);
        fields.finish()?;
        out.write_str(r#","target":"#)?;
        write_text(out, place.target())?;
        out.write_str("}\n")
    }
}

impl<S, N, T> FormatEvent<S, N> for JsonLines<T>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    T: FormatTime,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let in_span = event.parent().is_some() || context.lookup_current().is_some();
        if in_span || event.metadata().target() == FOREIGN {
            return self.whole.format_event(context, out, event);
        }
        // In one piece: a writer behind a pointer costs a call for each comma.
        let mut line = String::with_capacity(LINE);
        self.write(&mut line, event)?;
        out.write_str(&line)
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}

#[cfg(test)]
mod tests;
