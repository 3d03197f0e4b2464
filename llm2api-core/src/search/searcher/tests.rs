use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;

use super::*;

const LIMIT: Duration = Duration::from_secs(10);
use crate::http::Page;
use crate::search::Search;

/// What a page of results does.
#[derive(Clone, Debug)]
enum Reply {
    /// Gives the results with these numbers.
    Finds(std::ops::Range<u32>),
    Fails,
    Stalls,
}

/// Gives one reply a page, and notes which pages were asked for.
#[derive(Clone, Debug)]
struct Engine {
    replies: Arc<[Reply]>,
    asked: Arc<Mutex<Vec<u32>>>,
}

impl Engine {
    fn new(replies: &[Reply]) -> Self {
        Self { replies: replies.into(), asked: Arc::default() }
    }

    fn asked(&self) -> Vec<u32> {
        self.asked.lock().expect("no panic").clone()
    }
}

#[async_trait]
impl Search for Engine {
    async fn page(&self, _: &Query, page: NonZeroU32) -> Result<Vec<Source>> {
        self.asked.lock().expect("no panic").push(page.get());
        match self.replies.get(page.get() as usize - 1).cloned().unwrap_or(Reply::Finds(0..0)) {
            Reply::Finds(numbers) => {
                let url = |at: u32| format!("https://site{at}.example/");
                Ok(numbers.filter_map(|at| Source::new(&url(at), "title", "excerpt")).collect())
            }
            Reply::Fails => Err(Error::new(ErrorKind::UpstreamFailed, "search", "it failed")),
            Reply::Stalls => std::future::pending().await,
        }
    }
}

/// Reads pages whose number is even, and for the first one takes for ever.
#[derive(Debug)]
struct Reader;

#[async_trait]
impl ReadPages for Reader {
    async fn read(&self, url: &str) -> Result<Page> {
        let number = url.chars().filter(char::is_ascii_digit).collect::<String>();
        match number.parse::<u32>() {
            Ok(0) => std::future::pending().await,
            Ok(number) if number % 2 == 0 => {
                sleep(Duration::from_secs(1)).await;
                let text = format!("<p>{}</p>", "All that stands there. ".repeat(400));
                Ok(Page::new("text/html", text).expect("a page"))
            }
            _ => Err(Error::new(ErrorKind::Connect, "read", "not there")),
        }
    }
}

fn searcher(settings: WebSearch) -> Searcher {
    Searcher::new(settings.with_results(6)).expect("nothing to load")
}

async fn find(searcher: &Searcher) -> Result<Vec<String>> {
    let found = searcher.find(&Query::new("q"), Size::Medium, after(LIMIT)).await?;
    Ok(found.iter().map(|source| source.url.replace(".example/", "")).collect())
}

fn sites(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|at| format!("https://site{at}")).collect()
}

#[tokio::test(start_paused = true)]
async fn pages_are_asked_for_until_there_are_enough() {
    for (replies, found, asked) in [
        (vec![Reply::Finds(0..9)], 6, vec![1]),
        (vec![Reply::Finds(0..4), Reply::Finds(3..9)], 6, vec![1, 2]),
        (vec![Reply::Finds(0..2), Reply::Finds(1..3), Reply::Finds(3..4)], 4, vec![1, 2, 3]),
        (vec![Reply::Finds(0..2), Reply::Finds(0..2), Reply::Finds(2..9)], 2, vec![1, 2]),
        (vec![Reply::Finds(0..2), Reply::Fails], 2, vec![1, 2]),
        (vec![], 0, vec![1]),
    ] {
        let engine = Engine::new(&replies);
        let searcher = searcher(WebSearch::new(engine.clone()));
        assert_eq!(find(&searcher).await.expect("results"), sites(0..found), "{replies:?}");
        assert_eq!(engine.asked(), asked, "{replies:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_stalls_takes_nothing_from_those_before() {
    let engine = Engine::new(&[Reply::Finds(0..2), Reply::Stalls]);
    let begun = Instant::now();
    assert_eq!(find(&searcher(WebSearch::new(engine))).await.expect("results"), sites(0..2));
    assert_eq!(begun.elapsed(), LATER_PAGE);
}

#[tokio::test(start_paused = true)]
async fn a_request_may_ask_for_half_and_for_twice_as_much() {
    let engine = Engine::new(&[Reply::Finds(0..40)]);
    let searcher = searcher(WebSearch::new(engine.clone()));
    for (size, count) in [(Size::Low, 3), (Size::Medium, 6), (Size::High, 12)] {
        let found = searcher.find(&Query::new("q"), size, after(LIMIT)).await.expect("results");
        assert_eq!(found.len(), count);
    }
    assert_eq!(engine.asked(), [1, 1, 1], "none is an answer to the others");
}

#[tokio::test(start_paused = true)]
async fn the_first_pages_are_read_as_far_as_there_is_time() {
    let engine = Engine::new(&[Reply::Finds(0..6)]);
    let settings = WebSearch::new(engine).with_reader(Reader).with_read_pages(4);
    let searcher = searcher(settings);
    let begun = Instant::now();
    let until = after(Duration::from_secs(3));
    let found = searcher.find(&Query::new("q"), Size::Medium, until).await.expect("results");
    assert_eq!(begun.elapsed(), Duration::from_secs(3), "one of them takes for ever");
    let lengths: Vec<_> = found.iter().map(|source| source.text.chars().count()).collect();
    let excerpt = "excerpt".len();
    assert_eq!(lengths, [excerpt, excerpt, PAGE, excerpt, excerpt, excerpt]);
    searcher.find(&Query::new("q"), Size::Medium, until).await.expect("results");
    assert_eq!(begun.elapsed(), Duration::from_secs(3), "what was read is kept");
}
