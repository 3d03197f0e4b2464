use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use llm2api_core::{ChatItem, ChatStream, ChunkBody, Error, ErrorKind};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::edge::Record;
use crate::sse::Events;

type Item = llm2api_core::Result<ChatItem>;

fn chunk(text: &str) -> ChatItem {
    ChatItem::Chunk(ChunkBody::text("chatcmpl-1", "demo", text).into())
}

fn events(
    items: impl Stream<Item = Item> + Send + 'static,
    cut: &CancellationToken,
) -> Events<Chunks> {
    let record = Record::of("req_1");
    Events::new(ChatStream::new(items), Chunks::new(true), cut.clone().cancelled_owned(), record)
}

async fn text(events: Events<Chunks>) -> String {
    let frames: Vec<_> = events.map(|frame| frame.expect("never fails")).collect().await;
    frames.iter().map(|frame| std::str::from_utf8(frame).expect("is text")).collect()
}

#[tokio::test]
async fn a_whole_answer_ends_with_done() {
    let items = stream::iter([Ok(chunk("Hello ")), Ok(chunk("there\n\""))]);
    insta::assert_snapshot!(text(events(items, &CancellationToken::new())).await);
}

#[tokio::test]
async fn a_fault_ends_with_an_error_and_without_done() {
    let fault = Error::new(ErrorKind::UpstreamIncomplete, "chat", "the answer broke off");
    let items = stream::iter([Ok(chunk("Hel")), Err(fault)]);
    insta::assert_snapshot!(text(events(items, &CancellationToken::new())).await);
}

#[tokio::test]
async fn a_cut_ends_with_an_error_and_drops_the_stream() {
    let cut = CancellationToken::new();
    let (send, receive) = mpsc::unbounded_channel();
    let items = stream::unfold(receive, |mut receive| async move {
        receive.recv().await.map(|item| (item, receive))
    });
    let mut events = events(items, &cut);
    send.send(Ok(chunk("Hel"))).expect("is read");
    assert!(events.next().await.is_some());
    cut.cancel();
    let last = events.next().await.expect("an event").expect("never fails");
    assert!(last.starts_with(b"data: {\"error\":{"), "{last:?}");
    assert!(send.is_closed(), "the chat stream is gone");
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn silence_is_filled_after_fifteen_seconds_and_not_before() {
    let (send, receive) = mpsc::unbounded_channel();
    let items = stream::unfold(receive, |mut receive| async move {
        receive.recv().await.map(|item| (item, receive))
    });
    let mut events = events(items, &CancellationToken::new());
    let start = Instant::now();
    tokio::time::advance(Duration::from_secs(14)).await;
    send.send(Ok(chunk("Hel"))).expect("is read");
    assert!(events.next().await.expect("a chunk").expect("never fails").starts_with(b"data: "));
    assert_eq!(start.elapsed().as_secs(), 14);

    let comment = events.next().await.expect("a comment").expect("never fails");
    assert_eq!(&comment[..], COMMENT);
    assert_eq!(start.elapsed().as_secs(), 29, "15 s after the chunk");
    let comment = events.next().await.expect("a comment").expect("never fails");
    assert_eq!(&comment[..], COMMENT);
    assert_eq!(start.elapsed().as_secs(), 44);
}
