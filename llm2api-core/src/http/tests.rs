//! Laws of the two framings: any split gives the same, and every size has an end.

use bytes::Bytes;
use eventsource_stream::Eventsource;
use futures::StreamExt;
use futures::executor::block_on;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{Event, JsonLines, SseDecoder};

fn pieces(body: &[u8], cuts: &[Index]) -> Vec<Bytes> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    at.extend([0, body.len()]);
    at.sort_unstable();
    at.windows(2).map(|ends| Bytes::copy_from_slice(&body[ends[0]..ends[1]])).collect()
}

fn events(pieces: &[Bytes]) -> Vec<Event> {
    let mut decoder = SseDecoder::new(1 << 16);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece.clone());
        while let Some(event) = decoder.next().expect("no event is too large") {
            events.push(event);
        }
    }
    events
}

fn texts(pieces: &[Bytes]) -> Vec<Bytes> {
    let mut decoder = JsonLines::new(1 << 16);
    let mut texts = Vec::new();
    for piece in pieces {
        decoder.push(piece.clone());
        while let Some(text) = decoder.next().expect("no line is too long") {
            texts.push(text);
        }
    }
    texts.extend(decoder.rest());
    texts
}

proptest! {
    #[test]
    fn g13_any_split_gives_the_same_events(
        body in "(\u{feff})?((data|event|id|x)?:? ?[a日\u{1F642}: ]{0,4}(\n|\r\n|\r|\n\n|\r\n\r\n|\r\r)){0,20}",
        cuts in proptest::collection::vec(any::<Index>(), 0..20),
    ) {
        let body = body.as_bytes();
        let whole = events(&[Bytes::copy_from_slice(body)]);
        prop_assert_eq!(events(&pieces(body, &cuts)), whole.clone());
        let bytes: Vec<_> = body.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();
        prop_assert_eq!(events(&bytes), whole);
    }

    #[test]
    fn any_split_gives_the_same_lines(
        body in "([a日{}]{0,4}( {0,3})(\n|\r\n)){0,20}[a日]{0,3}",
        cuts in proptest::collection::vec(any::<Index>(), 0..20),
    ) {
        let body = body.as_bytes();
        let whole = texts(&[Bytes::copy_from_slice(body)]);
        prop_assert_eq!(texts(&pieces(body, &cuts)), whole);
    }

    /// The library agrees wherever it does not panic: it may not see a byte-order mark.
    #[test]
    fn another_decoder_agrees(
        body in "((data|event|id): ?[a日: ]{0,4}(\n|\r\n)|: c\n|\n){0,20}\n\n",
    ) {
        let ours: Vec<(String, String)> = events(&[Bytes::from(body.clone())])
            .into_iter()
            .filter(|event| !event.data.is_empty())
            .map(|event| (text(&event.name), text(&event.data)))
            .collect();
        let stream = futures::stream::iter([Ok::<_, std::convert::Infallible>(body)]);
        let theirs: Vec<(String, String)> = block_on(stream.eventsource().collect::<Vec<_>>())
            .into_iter()
            .map(|event| event.expect("valid text"))
            .filter(|event| !event.data.is_empty())
            .map(|event| (if event.event == "message" { String::new() } else { event.event }, event.data))
            .collect();
        prop_assert_eq!(ours, theirs);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("valid text")
}

#[test]
fn the_rules_of_the_standard_hold() {
    let body = "\u{feff}: comment\r\nevent: update\nid: 7\ndata: a\ndata:b\rdata\r\n\r\ndata: cut";
    let events = events(&[Bytes::from(body)]);
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(
        (&event.name[..], &event.id[..], &event.data[..]),
        (&b"update"[..], &b"7"[..], &b"a\nb\n"[..])
    );
}

#[test]
fn an_endless_line_is_given_up_and_stays_given_up() {
    let mut events = SseDecoder::new(100);
    let mut lines = JsonLines::new(100);
    let piece = Bytes::from(vec![b'x'; 60]);
    events.push(piece.clone());
    lines.push(piece.clone());
    assert!(events.next().is_ok() && lines.next().is_ok());
    events.push(piece.clone());
    lines.push(piece);
    assert!(events.next().is_err() && lines.next().is_err());
    events.push(Bytes::from("\n\ndata: 1\n\n"));
    lines.push(Bytes::from("\n{}\n"));
    assert!(events.next().is_err() && lines.next().is_err());
}

#[test]
fn many_short_data_lines_have_an_end_too() {
    let mut events = SseDecoder::new(100);
    events.push(Bytes::from("data: 0123456789\n".repeat(20)));
    assert!(events.next().is_err());
}
