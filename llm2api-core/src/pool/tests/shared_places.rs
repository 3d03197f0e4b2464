//! Where other servers have the places.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::time::sleep;

use super::*;
use crate::store::{Ask, Places, Standing, Taken};

/// Servers that have all places, but so many that come free after a time.
#[derive(Debug)]
struct Others {
    asked: AtomicU32,
    free_at: Instant,
}

#[async_trait]
impl Places for Others {
    async fn take(&self, _: &Ask) -> Taken {
        sleep(Duration::from_millis(5)).await;
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        match Instant::now() >= self.free_at {
            true => Taken::Place(asked.into()),
            false => Taken::Full(Duration::from_millis(50)),
        }
    }

    fn give_back(&self, _: &CredentialId, _: u64) {}

    async fn tend(&self) {}

    fn standing(&self) -> Standing {
        Standing::Joined
    }
}

fn busy_fleet(credentials: usize, free_after: Duration) -> (Pool, Arc<Others>) {
    let pool = many(credentials, 1);
    let free_at = Instant::now() + free_after;
    let others = Arc::new(Others { asked: AtomicU32::new(0), free_at });
    pool.share_places(others.clone());
    (pool, others)
}

#[tokio::test(start_paused = true)]
async fn a_call_gives_up_in_time_however_many_credentials_others_hold() {
    for credentials in [1, 20, 200] {
        let (pool, others) = busy_fleet(credentials, 2 * WAIT);
        let before = Instant::now();
        let refused = pool.lease(&[route("a")], &Call::random()).await.expect_err("all are taken");
        assert_eq!(refused.kind(), ErrorKind::PoolExhausted);
        assert_eq!(before.elapsed().as_secs(), WAIT.as_secs(), "{credentials}");
        let asked = others.asked.load(Ordering::Relaxed);
        assert!(asked < 4500, "the store was asked {asked} times for {credentials}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_others_leave_is_found_soon() {
    for credentials in [1, 20, 200] {
        let (pool, others) = busy_fleet(credentials, Duration::from_secs(10));
        let lease = pool.lease(&[route("a")], &Call::random()).await;
        assert!(lease.is_ok());
        let late = others.free_at.elapsed();
        assert!(late < Duration::from_millis(600), "{credentials}: {late:?}");
    }
}
