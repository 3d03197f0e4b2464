//! What is noted of a choice.

use super::*;
use crate::chat::trail::{ChosenBy, Next, Selection, Trail};

fn noted() -> (Call, Trail) {
    let trail = Trail::new();
    (Call::random().with_trail(trail.clone()), trail)
}

fn last(trail: &Trail) -> Selection {
    trail.notes().selections.pop().expect("a choice was made")
}

/// Every credential is a candidate, excluded, or among those not listed.
fn all_of(selection: &Selection) -> usize {
    selection.candidates.len() + selection.excluded.len() + selection.not_listed
}

#[tokio::test(start_paused = true)]
async fn a_choice_is_told_with_who_was_out_and_why() {
    let pool = many(4, 2);
    let ids: Vec<_> = pool.list().into_iter().map(|status| status.id).collect();
    pool.set_enabled(&ids[0], false);
    let (call, trail) = noted();
    let (routes, limited) = ([route("a")], limited());
    let tried = failed(&pool, &routes, &call, limited).await;
    call.fail(ErrorKind::RateLimited);
    trail.note_next(Some(RetryPlan::new(None, Others::Any)));
    let lease = pool.lease(&routes, &call).await.expect("two are left");

    let selection = last(&trail);
    assert_eq!(selection.taken, Some(lease.credential().id().shared()));
    assert_eq!(selection.by, Some(ChosenBy::LeastLoaded));
    let reason = |id: &CredentialId| {
        let out = selection.excluded.iter().find(|out| *out.credential == *id.as_str());
        out.map(|out| out.reason.as_str())
    };
    assert_eq!((reason(&ids[0]), reason(&tried)), (Some("disabled"), Some("tried before")));
    assert_eq!((selection.candidates.len(), all_of(&selection)), (2, 4));
    assert!(selection.candidates.iter().all(|one| one.in_flight == 0 && one.cost > 0 && one.drawn));
    assert_eq!(trail.notes().steps.len(), 0, "attempts are noted where they are made");
}

#[tokio::test(start_paused = true)]
async fn a_busy_favourite_is_told_from_one_that_is_taken() {
    let pool = many(2, 9);
    let id = pool.list()[0].id.clone();
    let (call, trail) = noted();
    let call = call.with_favourite(id.shared());
    // One call more is the favourite's bonus: the other one would have had it.
    let other = Call::random().with_favourite(id.shared());
    let held = pool.lease(&[route("a")], &other).await.expect("a lease");
    assert_eq!(held.credential().id(), &id);
    drop(pool.lease(&[route("a")], &call).await.expect("a lease"));
    let selection = last(&trail);
    assert_eq!(
        (selection.by, selection.favourite.as_deref()),
        (Some(ChosenBy::Favourite), Some(id.as_str()))
    );
    let cost = |taken: bool| {
        let of = |one: &&crate::chat::trail::Weighed| (*one.credential == *id.as_str()) == taken;
        selection.candidates.iter().find(of).map(|one| one.cost)
    };
    assert!(cost(true) > cost(false), "{selection:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_with_each_reason() {
    let pool = many(2, 1);
    let _held = [take(&pool).await, take(&pool).await];
    let (call, trail) = noted();
    let refused = pool.lease(&[route("a")], &call).await.expect_err("all are busy");
    let selection = last(&trail);
    assert_eq!((selection.waited, selection.taken.clone()), (WAIT, None));
    assert_eq!(selection.refusal.as_deref(), Some(refused.message()));
    assert!(selection.excluded.iter().all(|out| out.reason == "busy"));
    assert_eq!(all_of(&selection), 2);
}

#[tokio::test(start_paused = true)]
async fn those_that_were_compared_are_listed_in_any_crowd() {
    let pool = many(500, 1);
    for _ in 0..20 {
        let (call, trail) = noted();
        drop(pool.lease(&[route("a")], &call).await.expect("a lease"));
        let selection = last(&trail);
        assert_eq!(all_of(&selection), 500);
        assert!(selection.candidates.len() <= 34);
        let drawn = selection.candidates.iter().filter(|one| one.drawn);
        assert!(drawn.clone().any(|one| Some(&one.credential) == selection.taken.as_ref()));
        assert!(drawn.count() >= 2);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_again_is_told_as_such() {
    let pool = many(1, 1);
    let (call, trail) = noted();
    let routes = [route("a")];
    failed(&pool, &routes, &call, error(ErrorKind::UpstreamFailed)).await;
    call.fail(ErrorKind::UpstreamFailed);
    let plan = RetryPlan::new(Some(Duration::from_millis(120)), Others::Any);
    call.set_plan(plan);
    drop(pool.lease(&routes, &call).await.expect("the same one"));
    let selection = last(&trail);
    assert_eq!(selection.by, Some(ChosenBy::SameAgain));
    assert_eq!((selection.candidates.len(), selection.excluded.len()), (1, 0));
    assert_eq!(Some(&selection.candidates[0].credential), selection.taken.as_ref());
    assert!(selection.waited >= Duration::from_millis(120));
    trail.note_next(None);
    assert!(trail.notes().steps.iter().all(|step| step.next == Some(Next::GiveUp)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_noted_of_a_call_without_a_trail() {
    let pool = many(1, 1);
    let mut lease = take(&pool).await;
    lease.note_step();
    assert!(lease.selection.is_none());
}
