//! The fields of an event.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};

use super::text::{Escaped, write_number, write_text};

/// Writes fields as the members of an object that has some already.
pub(super) struct Fields<'a, W> {
    out: &'a mut W,
    result: fmt::Result,
}

impl<'a, W: Write> Fields<'a, W> {
    pub(super) fn new(out: &'a mut W) -> Self {
        Self { out, result: Ok(()) }
    }

    /// Says whether all could be written.
    pub(super) fn finish(self) -> fmt::Result {
        self.result
    }

    fn field(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = self.write(field.name(), value);
        }
    }

    fn write(&mut self, name: &str, value: impl FnOnce(&mut W) -> fmt::Result) -> fmt::Result {
        self.out.write_char(',')?;
        write_text(self.out, name)?;
        self.out.write_char(':')?;
        value(self.out)
    }
}

impl<W: Write> Visit for Fields<'_, W> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, |out| {
            out.write_char('"')?;
            write!(Escaped(out), "{value:?}")?;
            out.write_char('"')
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |out| write_text(out, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |out| write_number(out, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |out| {
            if value < 0 {
                out.write_char('-')?;
            }
            write_number(out, value.unsigned_abs())
        });
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |out| out.write_str(if value { "true" } else { "false" }));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, |out| {
            out.write_str(&serde_json::to_string(&value).map_err(|_| fmt::Error)?)
        });
    }
}
