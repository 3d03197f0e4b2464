//! Writes the whole text.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use super::families::Families;
use super::form::Form;
use super::reading::Reading;
use super::{calls, classic, credentials, gen_ai, installation};
use crate::state::State;

/// Reads all figures and writes them in this form.
pub(crate) fn write(state: &State, form: Form) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Reading::take(state)));
    let mut written = String::new();
    text::encode(&mut written, &registry).expect("a String takes everything");
    match form {
        Form::OpenMetrics => written,
        Form::Classic => classic::translate(&written),
    }
}

impl Collector for Reading {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut families = Families::new(encoder);
        calls::write(self, &mut families)?;
        credentials::write(self, &mut families)?;
        installation::write(self, &mut families)?;
        if self.gen_ai {
            gen_ai::write(self, &mut families)?;
        }
        self.process.map_or(Ok(()), |process| process.write(&mut families))
    }
}
