//! A hundred clients that leave at once.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::stage::{Kind, LATER, SLOW, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn g01_a_hundred_clients_that_leave_at_once_free_the_upstream() {
    for kind in [Kind::OpenAi, Kind::ChatUi] {
        // A hundred answers take a while to begin: none may end before.
        let stage = Stage::with_pace(kind, 100, SLOW).await;
        let mut calls = JoinSet::new();
        for call in 0..100 {
            calls.spawn(stage.ask("LONGRUN", call % 2 == 0));
        }
        stage.sees(|log| log.running.len() == 100).await;
        calls.shutdown().await;
        stage.is_free(Duration::from_secs(2)).await;
        let log = stage.is_clean(LATER).await;
        if kind == Kind::ChatUi {
            assert_eq!(log.stop_calls.len(), 100, "each run is stopped once");
            assert!(log.stop_calls.iter().all(|stop| stop.running), "while it runs");
        }
    }
}
