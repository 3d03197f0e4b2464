//! What goes wrong, chosen by words in the query.

use serde_json::{Value, json};

use super::parameters::Format;
use super::results::{ENGINE, Hit};
use super::{hostile, pages, results};
use crate::http::Reply;
use crate::script::Step;
use crate::searches::parameter;

/// Results of the huge answer.
const HUGE: u32 = 20_000;
/// What a proxy asks to wait, in seconds.
const WAIT: &str = "7";

/// The steps of the fault that a query string asks for, if it asks for one.
pub(super) fn steps(query: &str, format: Format) -> Option<Vec<Step>> {
    let asked = parameter(query, "q")?;
    let first = parameter(query, "pageno").is_none_or(|page| page == "1");
    let mut words = asked.split(|character: char| !character.is_ascii_alphanumeric());
    words.find_map(|word| fault(word, &asked, first, format))
}

fn fault(word: &str, asked: &str, first: bool, format: Format) -> Option<Vec<Step>> {
    Some(match word {
        "SXNOJSON" if format == Format::Json => whole(pages::forbidden()),
        "SXLIMIT" => whole(pages::too_many()),
        "SXRETRY" => whole(pages::too_many().with("retry-after", WAIT)),
        "SXHTML" => whole(pages::results(asked)),
        "SX500" => whole(Reply::json(500, &json!({"error": "search error"}))),
        "SXDROP" => vec![Step::Cut],
        "SXSTALL" => vec![Step::Hang],
        "SXSTALLBODY" => stalled(&normal(asked)),
        "SXBROKEN" => whole(broken(&normal(asked))),
        "SXSICK" => whole(Reply::json(200, &sick(asked))),
        "SXHUGE" => found(asked, &huge()),
        "SXINJECT" if first => found(asked, &hostile::hits()),
        "SXEMPTY" | "SXINJECT" => found(asked, &[]),
        _ => return None,
    })
}

/// A good answer.
fn normal(asked: &str) -> Value {
    results::answer(asked, &results::hits(asked, 1))
}

fn found(asked: &str, hits: &[Hit]) -> Vec<Step> {
    whole(Reply::json(200, &results::answer(asked, hits)))
}

/// An answer without results, because the engine did not answer.
fn sick(asked: &str) -> Value {
    let mut answer = results::answer(asked, &[]);
    answer["unresponsive_engines"] = json!([[ENGINE, "timeout"]]);
    answer
}

/// Half an answer whose length is that of the half.
fn broken(answer: &Value) -> Reply {
    Reply::new(200, "application/json", half(answer))
}

/// The head of a whole answer, half of its body, and silence.
fn stalled(answer: &Value) -> Vec<Step> {
    let length = ("content-length".to_owned(), answer.to_string().len().to_string());
    let headers = vec![("content-type".to_owned(), "application/json".to_owned()), length];
    vec![Step::Status { status: 200, headers }, Step::Bytes(half(answer)), Step::Hang]
}

fn half(answer: &Value) -> Vec<u8> {
    let mut bytes = answer.to_string().into_bytes();
    bytes.truncate(bytes.len() / 2);
    bytes
}

fn huge() -> Vec<Hit> {
    let hit = |number| Hit {
        url: format!("https://site{number}.example/huge"),
        title: format!("Result {number} of very many"),
        content: format!("Excerpt {number} of more than anybody reads."),
        published: None,
    };
    (1..=HUGE).map(hit).collect()
}

fn whole(reply: Reply) -> Vec<Step> {
    let length = ("content-length".to_owned(), reply.body.len().to_string());
    let mut headers = reply.headers;
    headers.push(length);
    vec![Step::Status { status: reply.status, headers }, Step::Bytes(reply.body)]
}
