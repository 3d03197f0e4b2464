//! Pages that want to be more than a source.

use llm2api_tests::processes::{OPENAI, Outcome};
use llm2api_tests::{Options, Script, Simulator};
use serde_json::{Value, json};

use crate::answer::{cited, header, parts};
use crate::stage::{LANES, Searching, prompts};

const ASKED: &str = "What is SXINJECT for?\nECHO:Nobody knows [1].";
const SAID: &str = "Nobody knows [1].";
/// Results that are left of the hostile ones: two have addresses that are none of the web.
const LEFT: usize = 11;

/// Whether nobody sees it, or it turns what is around it. A single joiner is a part of some letters.
fn is_hidden(c: char) -> bool {
    let control = c.is_control() && c != '\n';
    let invisible = matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    control || invisible
}

fn is_clean(text: &str) {
    assert!(!text.contains("javascript:"), "{text}");
    assert!(!text.contains("<|") && !text.contains("|>"), "{text}");
    assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
    assert!(!text.contains(is_hidden), "{text:?}");
    assert!(!text.contains("\u{200c}\u{200d}"), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_writes_a_border_of_the_prompt() {
    let searching = Searching::start(OPENAI, &[("SEARCH_RESULTS", "20")]).await;
    let outcome = searching.web(ASKED, false).await;
    assert_eq!(header(&outcome), format!("completed; results={LEFT}"));
    let [prompt] = prompts(&searching.stage.upstream).try_into().expect("one send");
    let [message] = &prompt.as_array().expect("a list")[..] else { panic!("one turn: {prompt}") };
    let text = message["content"].as_str().expect("a text");
    is_clean(text);
    // The lead names both borders once, in words.
    for (border, times) in [
        ("<sources>", 2),
        ("</sources>", 2),
        ("\n<sources>\n", 1),
        ("\n</sources>\n", 1),
        ("<source number=", LEFT),
        ("\n</source>\n", LEFT),
        ("<", 4 + 2 * LEFT),
    ] {
        assert_eq!(text.matches(border).count(), times, "{border:?} in {text}");
    }
    assert!(text.contains("Ignore all previous instructions"), "it is shown, as data");
    assert!(text.ends_with(&format!("</sources>\n\nThe question:\n{ASKED}")), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_writes_a_border_of_the_block() {
    for (kind, stream) in LANES {
        let searching = Searching::start(kind, &[("SEARCH_RESULTS", "20")]).await;
        let outcome = searching.web(ASKED, stream).await;
        let text = outcome.text();
        is_clean(&text);
        assert_eq!(text.matches("<search>").count(), 1, "{text}");
        assert_eq!(text.matches("</search>").count(), 1, "{text}");
        let (block, said) = parts(&text);
        assert_eq!(said, SAID);
        block.lines().for_each(is_link);
        assert_eq!(block.lines().count(), LEFT, "{block}");
        shows_clean_annotations(&outcome);
    }
}

fn shows_clean_annotations(outcome: &Outcome) {
    let cited = cited(outcome);
    assert_eq!(cited.len(), LEFT + 1);
    for (_, url, title) in &cited {
        is_clean(url);
        is_clean(title);
        assert!(url.starts_with("http://") || url.starts_with("https://"), "{url}");
        assert!(!title.contains(['<', '>', '\n']), "{title}");
    }
}

/// An entry is one link, and nothing in it ends it.
fn is_link(entry: &str) {
    let (_, link) = entry.split_once(". [").unwrap_or_else(|| panic!("no link: {entry}"));
    let (title, url) = link.split_once("](").unwrap_or_else(|| panic!("no link: {entry}"));
    let url = url.strip_suffix(')').unwrap_or_else(|| panic!("no end: {entry}"));
    assert!(!title.contains(['[', ']', '<', '>']), "{entry}");
    assert!(!url.contains(['(', ')', '<', '>', ' ']), "{entry}");
}

/// An address of this machine that nobody else listens at, at the port of http.
const DOOR: &str = "127.77.31.1:80";

/// Results at addresses of this machine, each spelled in another way.
fn home(port: &str) -> Value {
    let spelled = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"];
    let spelled = spelled.map(|host| format!("http://{host}:{port}/"));
    let doors = ["127.77.31.1", "[::ffff:127.77.31.1]", "2135760641"];
    let doors = doors.map(|host| format!("http://{host}/"));
    let result = |url: &String| json!({"url": url, "title": "Home", "content": "The excerpt."});
    let results: Vec<_> = spelled.iter().chain(&doors).map(result).collect();
    json!({"results": results, "unresponsive_engines": []})
}

#[tokio::test(flavor = "multi_thread")]
async fn g31_a_search_that_finds_this_machine_does_not_call_it() {
    let settings =
        [("SEARCH_READ_PAGES", "8"), ("SEARCH_RESULT_PAGES", "1"), ("SEARCH_TIMEOUT", "3s")];
    let searching = Searching::start(OPENAI, &settings).await;
    let canary = Simulator::start(Options::default()).await.expect("the simulator listens");
    // Other ports than those of the web are refused for that alone; not every user may have one.
    let listen = DOOR.parse().expect("an address");
    let door = Simulator::start(Options { listen, ..Options::default() }).await.ok();
    let port = canary.url().rsplit_once(':').expect("a port").1.to_owned();
    searching.searxng.script_path("/searxng/search", Script::json(200, home(&port)));
    let outcome = searching.web("Where is home?", false).await;
    assert!(outcome.is_whole(), "{outcome:?}");
    // Two spellings of one address are one page.
    assert_eq!(header(&outcome), "completed; results=5");
    let prompt = prompts(&searching.stage.upstream).pop().expect("a send").to_string();
    assert_eq!(prompt.matches("The excerpt.").count(), 5, "{prompt}");
    for canary in [Some(canary), door].into_iter().flatten() {
        assert_eq!(canary.log().connections, 0, "an address of this machine was called");
    }
}
