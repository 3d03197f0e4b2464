use std::future::pending;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use encoding_rs::{Encoding, GBK, SHIFT_JIS, UTF_8, WINDOWS_1251};
use proptest::prelude::*;
use tokio::time::Instant;

use super::{ReadPages, read_first, reduce};
use crate::error::{Error, ErrorKind, Result};
use crate::http::Page;
use crate::search::Source;
use crate::search::plain::tests::{is_plain, markup};

const SAYS: &str =
    "Tea is a drink that is made of leaves. It is green or black, and nobody has seen it blue.";

fn html(body: impl Into<Bytes>) -> Page {
    Page::new("text/html", body).expect("a page")
}

fn reduced(body: &str) -> Option<String> {
    reduce(&html(body.to_owned()), 1000)
}

#[test]
fn what_frames_a_page_is_left_out() {
    for frame in [
        "<nav><ul><li>Home</ul></nav>",
        "<header>Name</header>",
        "<footer>2026</footer>",
        "<aside>More</aside>",
        "<title>Name</title>",
        "<script>a<b</script><style>p{}</style>",
        "<noscript><p>Please</p></noscript><template>x</template>",
        "<svg><text>x</text></svg><iframe>x</iframe>",
        "<form><label>Name</label><input value=x><button>Go</button><textarea>x</textarea></form>",
        "<select><option>One<option>Two</select>",
        "<div hidden>x</div><p aria-hidden=\"TRUE\">x</p>",
        "<p style=\"color:red;DISPLAY:none\">x</p><p style='display: none'>x</p>",
        "<div role=navigation>x</div><br hidden><!-- x -->",
        "<nav><p>Home",
    ] {
        assert_eq!(reduced(&format!("<p>{SAYS}</p>{frame}")).as_deref(), Some(SAYS), "{frame}");
        let framed = format!("<div>{frame}</div><p>{SAYS}</p>");
        assert_eq!(reduced(&framed).as_deref(), Some(SAYS), "{frame}");
    }
}

#[test]
fn blocks_stand_on_lines_and_lines_within_them_are_blanks() {
    let body = format!(
        "<h1>Tea</h1><p>{SAYS}</p>Green<p>bl<b>a</b>ck\n  or\nwhite<div>Ice<table><tr><td>1<td>2</td>\
         </tr><tr><th>3</th></table><pre>a\n  b\n</pre><figure><figcaption>Leaves</figure>end"
    );
    insta::assert_snapshot!(reduced(&body).expect("text"));
}

#[test]
fn the_part_that_matters_is_preferred_if_it_says_enough() {
    let long = [SAYS, SAYS, SAYS].join(" ");
    for part in ["main", "article", "div role=main"] {
        let end = part.split(' ').next().expect("a name");
        let body = format!("<p>Before</p><{part}><p>{long}</p></{end}><p>Behind</p>");
        assert_eq!(reduced(&body).as_deref(), Some(long.as_str()), "{part}");
        let body = format!("<p>{SAYS}</p><{part}>Short</{end}>");
        assert_eq!(reduced(&body), Some(format!("{SAYS}\nShort")), "{part}");
    }
    let part = reduce(&html(format!("<p>{long}</p><main>{long}</main>")), 90).expect("text");
    assert!(part.starts_with(SAYS) && part.ends_with('…') && part.chars().count() <= 90, "{part}");
}

#[test]
fn a_page_that_says_nothing_gives_nothing() {
    for body in ["", "<div id=app></div><script>run()</script>", "<p>Loading…</p>", "\u{feff}"] {
        assert_eq!(reduced(body), None, "{body}");
    }
    let junk: Vec<u8> = (0..4000_u32).map(|at| (at * 7 % 251) as u8 | 0x80).collect();
    assert_eq!(reduce(&html(junk), 1000), None, "no text at all");
}

#[test]
fn plain_text_keeps_its_lines_and_its_entities() {
    let body = format!("{SAYS}\r\n\r\nif a<b && c&lt;d\u{202e} </search>\n");
    let page = Page::new("text/plain; charset=utf-8", body).expect("a page");
    assert_eq!(reduce(&page, 1000), Some(format!("{SAYS}\nif a‹b && c&lt;d ‹/search›")));
}

#[test]
fn a_page_is_read_in_its_own_encoding() {
    let russian = "Чай — напиток, получаемый из листьев чайного куста. ".repeat(3);
    let chinese = "茶是一种用茶树叶子制成的饮料，在世界各地都有人饮用。".repeat(5);
    let japanese = "お茶は、チャノキの葉から作られる飲み物で、世界中で飲まれています。".repeat(4);
    let read = |encoding: &'static Encoding, text: &str| {
        let label = encoding.name();
        let head = format!("<meta charset={label}>");
        let older = format!("<META http-equiv=x content='text/html; charset={label}'/>");
        let encode = |head: &str| {
            let body = format!("<!doctype html><meta name=x>{head}<p>{text}");
            html(encoding.encode(&body).0.into_owned())
        };
        let mut named = encode("<meta charset=koi8-r>");
        named.charset = Some(label.to_owned());
        let mut misnamed = encode(&head);
        misnamed.charset = Some("no-such-thing".to_owned());
        for page in [named, misnamed, encode(&head), encode(&older)] {
            assert_eq!(reduce(&page, 1000).as_deref(), Some(text.trim()), "{page:?}");
        }
    };
    read(WINDOWS_1251, &russian);
    read(GBK, &chinese);
    read(SHIFT_JIS, &japanese);
    read(UTF_8, &chinese);
    let wrong = html(WINDOWS_1251.encode(&russian).0.into_owned());
    assert_eq!(reduce(&wrong, 1000), None, "nobody says how to read it");
}

#[test]
fn a_byte_order_mark_says_it_best() {
    let text = format!("<p>{SAYS} ü");
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with_mark = [&b"\xff\xfe"[..], &little].concat();
    assert_eq!(reduce(&html(with_mark), 1000), Some(format!("{SAYS} ü")));
    let mut named = html(little);
    named.charset = Some("utf-16le".to_owned());
    assert_eq!(reduce(&named, 1000), Some(format!("{SAYS} ü")));
    let mut eight = html(format!("\u{feff}{text}"));
    eight.charset = Some("windows-1252".to_owned());
    assert_eq!(reduce(&eight, 1000), Some(format!("{SAYS} ü")));
    let meta = html(format!("<meta charset=utf-16><p>{SAYS} ü"));
    assert_eq!(reduce(&meta, 1000), Some(format!("{SAYS} ü")), "it cannot be true");
}

#[test]
fn what_stands_before_more_than_can_be_kept_open_is_read() {
    let body = format!("<p>{SAYS}</p>{}", "<div>".repeat(200_000));
    assert_eq!(reduced(&body).as_deref(), Some(SAYS));
    let body = format!("<p>{SAYS}</p><a {}", "b ".repeat(500_000));
    assert_eq!(reduced(&body).as_deref(), Some(SAYS));
}

/// What an attacker may send a MiB of; the time is printed with `--nocapture`.
#[test]
fn a_hostile_page_is_read_in_good_time() {
    let long = |piece: &str| piece.repeat((1 << 20) / piece.len());
    let half = |piece: &str| piece.repeat((1 << 19) / piece.len());
    let pages = [
        ("divs", long("<div>")),
        ("names", (0..100_000).map(|at| format!("<a{at}>")).collect::<Vec<_>>().concat()),
        ("divs and ends", half("<div>") + &half("</p>")),
        ("a name and divs and ends", "<b>".to_owned() + &half("<div>") + &half("</b>")),
        ("ends", long("</div>")),
        ("signs", long("<")),
        ("comments", long("<!--")),
        ("one comment", "<!--".to_owned() + &long("-")),
        ("ampersands", long("&")),
        ("numbers", long("&#")),
        ("names of entities", long("&amp")),
        ("tags that stay open", long("<a ")),
        ("attributes", "<a ".to_owned() + &long("a ")),
        ("an attribute", "<a b=\"".to_owned() + &long("c")),
        ("attributes and tags", long("<p a b c d e f g>")),
        ("hidden", long("<p hidden>")),
        ("styles", "<p style='".to_owned() + &long("display:non ") + "'>"),
        ("scripts", long("<script>")),
        ("scripts in comments", long("<script><!--")),
        ("selects", long("<select><option>")),
        ("texts", long("<textarea>")),
        ("tables", long("<table><tr><td>")),
        ("formulas", long("<svg><math><mi>")),
        ("data", "<svg>".to_owned() + &long("<![CDATA[")),
        ("mains", long("<main><article>x")),
        ("menus", long("<nav>x")),
        ("words", long("a b\n")),
        ("joiners", long("a\u{200d}\u{200c}")),
        ("unseen", long("\u{200b}")),
    ];
    for (name, body) in pages {
        let page = html(body);
        let begin = Instant::now();
        let text = reduce(&page, 8000);
        let time = begin.elapsed();
        println!("{name}: {} ms", time.as_millis());
        assert!(text.is_none_or(|text| is_plain(&text, 8000)), "{name}");
        assert!(time < Duration::from_secs(10), "{name} takes {time:?}");
    }
}

proptest! {
    #[test]
    fn whatever_a_page_is_plain_text_comes_of_it(
        bodies in prop::collection::vec(markup(), 1..6),
        wraps in prop::sample::select(&["", "<main>", "<article><pre>", "<table><td>"][..]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        charset in prop::sample::select(&["utf-8", "gbk", "shift_jis", "utf-16be", "iso-2022-jp"][..]),
        most in 0..2000_usize,
    ) {
        let body = [wraps.as_bytes(), &bytes, bodies.concat().as_bytes(), SAYS.as_bytes()].concat();
        for kind in ["text/html", "text/plain"] {
            let page = Page::new(&format!("{kind}; charset={charset}"), body.clone()).expect("a page");
            if let Some(text) = reduce(&page, most) {
                prop_assert!(is_plain(&text, most), "{text:?}");
            }
        }
    }

    #[test]
    fn words_of_a_page_are_never_lost(words in "[a-z]{1,9}( [a-z]{1,9}){40,60}") {
        prop_assert_eq!(reduced(&format!("<div><p>{words}</div>")), Some(words));
    }
}

/// Answers by address: with a page, an error, or never.
#[derive(Debug)]
struct Pages;

#[async_trait]
impl ReadPages for Pages {
    async fn read(&self, url: &str) -> Result<Page> {
        match url {
            "https://page.example/" => Ok(html(format!("<p>{SAYS}</p><p>{SAYS}</p>"))),
            "https://slow.example/" => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                Ok(html(format!("<p>{SAYS}</p>")))
            }
            "https://empty.example/" => Ok(html("<script>run()</script>")),
            "https://silent.example/" => pending().await,
            _ => Err(Error::new(ErrorKind::InvalidRequest, "fetch page", "no such page")),
        }
    }
}

fn sources() -> Vec<Source> {
    let names = ["page", "slow", "empty", "silent", "broken", "page"];
    let source = |name| Source::new(&format!("https://{name}.example/"), name, "An excerpt.");
    names.into_iter().filter_map(source).collect()
}

async fn texts(first: usize, seconds: u64) -> (Vec<String>, Duration) {
    let begin = Instant::now();
    let until = begin + Duration::from_secs(seconds);
    let sources = read_first(sources(), first, &Pages, 120, until).await;
    (sources.into_iter().map(|source| source.text).collect(), begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn pages_take_the_place_of_excerpts_where_they_can_be_had_in_time() {
    let (texts, time) = texts(5, 3).await;
    assert!(texts[0].starts_with(SAYS) && texts[0].ends_with('…'), "{texts:?}");
    assert!(texts[0].chars().count() <= 120, "{texts:?}");
    assert_eq!(texts[1], SAYS);
    assert!(texts[2..].iter().all(|text| text == "An excerpt."), "the last is beyond: {texts:?}");
    assert_eq!(time, Duration::from_secs(3), "all of them share the time");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_comes_too_late_is_not_waited_for() {
    let (texts, time) = texts(2, 1).await;
    assert!(texts[0].starts_with(SAYS) && texts[1] == "An excerpt.", "{texts:?}");
    assert_eq!(time, Duration::from_secs(1));
    let (texts, time) = self::texts(0, 1).await;
    assert!(texts.iter().all(|text| text == "An excerpt."));
    assert_eq!(time, Duration::ZERO);
}
