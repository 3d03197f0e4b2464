//! What an answer says of its search.

use llm2api_tests::processes::Outcome;
use serde_json::Value;

const HEADER: &str = "x-llm2api-search";
const END: &str = "\n\n</search>\n\n";

/// What the head says.
pub(crate) fn header(outcome: &Outcome) -> &str {
    outcome.header(HEADER).unwrap_or("none")
}

/// The field of the answer, or of its first chunk.
pub(crate) fn note(outcome: &Outcome) -> Value {
    let notes: Vec<_> =
        outcome.objects().iter().map(|object| object["llm2api_search"].clone()).collect();
    assert!(notes.iter().skip(1).all(Value::is_null), "told once, and first: {outcome:?}");
    notes[0].clone()
}

/// The block and what follows it; the block is empty where there is none.
pub(crate) fn parts(text: &str) -> (&str, &str) {
    match text.split_once(END) {
        Some((block, rest)) => (block.strip_prefix("<search>\n\n").expect("it begins so"), rest),
        None => ("", text),
    }
}

/// All annotations: the text that each one stands at, its address and its title.
pub(crate) fn cited(outcome: &Outcome) -> Vec<(String, String, String)> {
    let text: Vec<char> = outcome.text().chars().collect();
    let cited = |annotation: Value| {
        assert_eq!(annotation["type"], "url_citation", "{annotation}");
        let citation = &annotation["url_citation"];
        let index = |name: &str| {
            let index = citation[name].as_u64().unwrap_or_else(|| panic!("no {name}: {citation}"));
            usize::try_from(index).expect("an index")
        };
        let field = |name: &str| citation[name].as_str().expect("a text").to_owned();
        let place = text[index("start_index")..index("end_index")].iter().collect();
        (place, field("url"), field("title"))
    };
    annotations(outcome).into_iter().map(cited).collect()
}

/// All annotations, in order.
pub(crate) fn annotations(outcome: &Outcome) -> Vec<Value> {
    let said = outcome.objects();
    let choices = said.iter().map(|object| &object["choices"][0]);
    let lists =
        choices.flat_map(|choice| ["delta", "message"].map(|place| &choice[place]["annotations"]));
    lists.filter_map(Value::as_array).flatten().cloned().collect()
}

/// Checks all that an answer must show whose model said `said` of so many sources, and cited those
/// markers with those numbers.
pub(crate) fn check(outcome: &Outcome, said: &str, results: usize, citations: &[(&str, usize)]) {
    assert!(outcome.is_whole() && outcome.roles() == 1, "{outcome:?}");
    assert_eq!(header(outcome), format!("completed; results={results}"));
    assert_eq!(note(outcome)["results"], results, "{outcome:?}");
    let text = outcome.text();
    let (block, rest) = parts(&text);
    assert_eq!(rest, said);
    let entries: Vec<_> = block.lines().collect();
    assert_eq!(entries.len(), results, "{block}");
    let cited = cited(outcome);
    let (listed, marked) = cited.split_at(results);
    for (number, (entry, (place, url, title))) in (1..).zip(entries.iter().zip(listed)) {
        let label = title.replace('[', "(").replace(']', ")");
        assert_eq!(*entry, format!("{number}. [{label}]({url})"));
        assert_eq!(place, entry, "an annotation stands at its entry");
    }
    let expected = citations.iter().map(|(marker, number)| {
        let (_, url, title) = &listed[number - 1];
        ((*marker).to_owned(), url.clone(), title.clone())
    });
    assert_eq!(marked, expected.collect::<Vec<_>>());
}
