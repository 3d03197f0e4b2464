use std::io;
use std::sync::{Arc, Mutex};

use tracing::subscriber::with_default;
use tracing::{debug_span, error, info, trace, warn};
use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// What is logged, together.
#[derive(Clone, Default)]
struct Lot(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lot {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lot {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lot {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("is text")
    }
}

/// A clock that stands.
#[derive(Clone)]
struct Noon;

impl FormatTime for Noon {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        out.write_str("2026-01-02T12:00:00.000000Z")
    }
}

/// Returns the lines of `events` as both formatters write them: ours first.
fn both(events: impl Fn()) -> (String, String) {
    let (ours, theirs) = (Lot::default(), Lot::default());
    let builder = || tracing_subscriber::fmt().json().with_max_level(Level::TRACE);
    let subscriber = builder().event_format(JsonLines::new(Noon)).with_writer(ours.clone());
    with_default(subscriber.finish(), &events);
    let subscriber = builder().flatten_event(true).with_timer(Noon).with_writer(theirs.clone());
    with_default(subscriber.finish(), &events);
    (ours.text(), theirs.text())
}

fn assert_alike(events: impl Fn()) {
    let (ours, theirs) = both(events);
    assert!(!theirs.is_empty());
    assert_eq!(ours, theirs);
}

#[test]
fn texts_are_written_alike() {
    let controls: String = (0_u8..0x80).map(char::from).collect();
    let texts = [
        "",
        "plain",
        "\"",
        "a\"b\\c",
        "ends in \n",
        "\u{0}",
        "ü → 🦀\t",
        "\u{7f}\u{80}",
        &controls,
    ];
    for text in texts {
        assert_alike(|| {
            info!(text, given = Some(text), shown = %text, dumped = ?text, "said {text}");
        });
    }
}

#[test]
fn numbers_are_written_alike() {
    for number in [0, 1, 9, 10, 99, 1_234_567_890, u64::MAX - 1, u64::MAX] {
        let (signed, small) = (number.cast_signed(), number.to_le_bytes()[0]);
        assert_alike(|| warn!(number, signed, negative = -1_i64, small, "counted"));
    }
    assert_alike(|| warn!(least = i64::MIN, most = i64::MAX, wide = i128::MIN, wider = u128::MAX));
    for number in [0.0, -0.0, 1.0, 0.1, 1e300, 5e-324, f64::NAN, f64::INFINITY] {
        assert_alike(|| trace!(number, "measured"));
    }
}

#[test]
fn all_other_values_are_written_alike() {
    let failed = io::Error::other("it said \"no\"\n");
    let (error, none): (&(dyn std::error::Error + 'static), Option<u64>) = (&failed, None);
    let bytes: &[u8] = b"\x00\xffa";
    assert_alike(|| error!(error, none, some = Some(7_u64), yes = true, no = false, bytes));
    assert_alike(|| info!(list = ?["a\"", "b"], tree = ?Some((1, "\n")), seen = %3));
    assert_alike(|| info!(target: "a \"place\"", "elsewhere"));
    assert_alike(|| info!({ "odd \"name\"" } = 1, dotted.name = 2));
    assert_alike(|| info!("only words"));
    assert_alike(|| info!(number = 1));
}

#[test]
fn what_stands_in_a_span_is_written_alike() {
    assert_alike(|| {
        let outer = debug_span!("outer", id = 1);
        let _outer = outer.enter();
        info!(number = 1, "inside");
        debug_span!("inner", text = "a\"b").in_scope(|| info!("further inside"));
        info!(parent: None, "outside");
    });
    assert_alike(|| info!(parent: &debug_span!("named"), "below"));
}

/// What fails to say what it is.
struct Mute;

impl fmt::Debug for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

#[test]
fn a_value_that_cannot_be_written_costs_its_own_line_alone() {
    let lot = Lot::default();
    let builder = tracing_subscriber::fmt().json().log_internal_errors(false);
    let subscriber = builder.event_format(JsonLines::new(Noon)).with_writer(lot.clone());
    with_default(subscriber.finish(), || {
        info!(mute = ?Mute, "lost");
        info!("kept");
    });
    assert!(lot.text().starts_with('{') && !lot.text().contains("lost"), "{}", lot.text());
    assert_eq!(lot.text().lines().count(), 1);
}

#[test]
fn each_byte_is_known_among_any_others() {
    let others = [0x00, 0x1f, b' ', b'!', b'"', b'#', b'[', b'\\', b']', 0x7f, 0x80, 0xff];
    for (byte, other, at) in (0..=u8::MAX)
        .flat_map(|byte| others.map(|other| (byte, other)))
        .flat_map(|(byte, other)| (0..11).map(move |at| (byte, other, at)))
    {
        let mut bytes = [other; 11];
        bytes[at] = byte;
        let expected = bytes.iter().any(|byte| text::is_special(*byte));
        assert_eq!(text::has_special(&bytes), expected, "{bytes:?}");
    }
}
