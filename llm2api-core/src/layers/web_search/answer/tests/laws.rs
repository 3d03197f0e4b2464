//! What holds for any answer, wherever it is cut.

use futures::executor::{block_on, block_on_stream};
use proptest::prelude::*;

use super::pieces::answers;
use super::*;

/// What a choice gains, piece by piece.
fn deltas(stream: ChatStream, index: u32) -> Vec<ChunkChoice> {
    let chunks = block_on_stream(stream).filter_map(|item| match item.expect("no error") {
        ChatItem::Chunk(chunk) => Some(chunk.into_body().expect("a chunk")),
        _ => None,
    });
    chunks.flat_map(|chunk| chunk.choices).filter(|choice| choice.index == index).collect()
}

/// The pieces, by number, for which something holds.
fn those(pieces: &[ChunkChoice], holds: impl Fn(&ChunkChoice) -> bool) -> Vec<usize> {
    (0..).zip(pieces).filter(|(_, piece)| holds(piece)).map(|(at, _)| at).collect()
}

fn collected(stream: ChatStream) -> CompletionBody {
    block_on(stream.collect()).and_then(Completion::into_body).expect("an answer")
}

/// The text that an annotation stands at, and whose title it names.
fn places(body: &CompletionBody) -> Vec<(String, String)> {
    let mut places = Vec::new();
    for choice in &body.choices {
        let text: Vec<char> =
            choice.message.content.as_deref().unwrap_or_default().chars().collect();
        for annotation in choice.message.extra["annotations"].as_array().expect("a list") {
            let index = |field: &str| {
                let index = annotation["url_citation"][field].as_u64().expect("a number");
                usize::try_from(index).expect("within the text")
            };
            // The upstream's own annotations may point beyond the text.
            let place = text.get(index("start_index")..index("end_index")).unwrap_or_default();
            let place = place.iter().collect();
            places.push((place, annotation["url_citation"]["title"].to_string()));
        }
    }
    places
}

proptest! {
    #[test]
    fn streamed_and_whole_answers_gain_the_same(answer in answers(), block in any::<bool>()) {
        let whole = collected(with_findings(answer.whole(), found(block)));
        for each in [false, true] {
            let streamed = with_findings(answer.streamed(each), found(block));
            prop_assert_eq!(&collected(streamed), &whole);
        }
        let cut = with_findings(answer.whole(), found(block)).into_chunks(true);
        prop_assert_eq!(&collected(cut), &whole);
        let cut = with_findings(answer.whole().into_chunks(true), found(block));
        prop_assert_eq!(&collected(cut), &whole);
    }

    #[test]
    fn programs_that_join_pieces_see_one_list_and_one_role(
        answer in answers(), block in any::<bool>(), each in any::<bool>(),
    ) {
        for (index, said) in (0..).zip(&answer.choices) {
            let pieces = deltas(with_findings(answer.streamed(each), found(block)), index);
            let lists = those(&pieces, |piece| piece.delta.extra.contains_key(ANNOTATIONS));
            let ends = those(&pieces, |piece| piece.finish_reason.is_some());
            prop_assert_eq!(&lists, &[ends[0] - 1]);
            let texts = those(&pieces, |piece| piece.delta.content.as_deref().unwrap_or_default() != "");
            prop_assert!(texts.iter().all(|at| *at < lists[0]), "{:?}", pieces);
            let roles = those(&pieces, |piece| piece.delta.role.is_some());
            let only = answer.choices.len() == 1;
            prop_assert!(roles == [0] || roles.is_empty() && !(said.names > 0 || block || only));
        }
    }

    #[test]
    fn an_answer_without_findings_gains_the_note_only(answer in answers()) {
        for findings in [failed(), nothing_found()] {
            let note = serde_json::to_value(&findings.note).expect("a note");
            let mut expected = collected(answer.whole());
            expected.extra.insert(SearchNote::FIELD.into(), note);
            let whole = with_findings(answer.whole(), findings.clone());
            prop_assert_eq!(&collected(whole), &expected);
            let streamed = with_findings(answer.streamed(false), findings);
            prop_assert_eq!(&collected(streamed), &expected);
        }
    }

    #[test]
    fn each_source_is_annotated_at_its_entry_or_marker(answer in answers(), block in any::<bool>()) {
        let body = collected(with_findings(answer.streamed(false), found(block)));
        let choices = body.choices.len();
        let places = places(&body);
        for (number, (title, _)) in (1..).zip(SOURCES) {
            let title = Value::from(title).to_string();
            let own: Vec<_> = places.iter().filter(|(_, named)| *named == title).collect();
            prop_assert!(own.len() >= choices, "{:?}", places);
            for (place, _) in own {
                let entry = place.starts_with(&format!("{number}. ["));
                let marker = place.contains(&number.to_string())
                    && place.starts_with(['[', '【']) && place.ends_with([']', '】']);
                let uncited = place.is_empty() && !block;
                prop_assert!(entry || marker || uncited, "{:?}", place);
            }
        }
    }
}
