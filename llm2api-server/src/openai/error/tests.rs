use std::fmt::Write as _;

use super::*;

fn line(table: &mut String, title: &str, failure: &Failure) {
    let response = failure.clone().respond("req_1");
    let header = |name| response.header(name).unwrap_or("-").to_owned();
    writeln!(
        table,
        "{title} | {} | {:?} | {} | retry-after {} | connection {}",
        failure.status(),
        failure.kind(),
        failure.code(),
        header("retry-after"),
        header("connection"),
    )
    .expect("a String takes everything");
}

#[test]
fn every_kind_has_its_row() {
    let mut table = String::new();
    for kind in ErrorKind::ALL {
        for status in [None, Some(401), Some(404), Some(422), Some(429), Some(503), Some(529)] {
            let plain = Failure::from(Error::new(kind, "chat", "text"));
            let mut error = Error::new(kind, "chat", "text");
            if let Some(status) = status {
                error = error.with_status(status);
            }
            let failure = Failure::from(error);
            if status.is_none() {
                line(&mut table, &format!("{kind:?}"), &failure);
            } else if failure.status() != plain.status() {
                line(&mut table, &format!("{kind:?} after {status:?}"), &failure);
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn every_refusal_of_our_own_has_its_row() {
    let mut table = String::new();
    let own = [
        ("no key", Failure::no_key()),
        ("wrong key", Failure::wrong_key()),
        ("unknown path", Failure::unknown_path()),
        ("no search", Failure::no_search()),
        ("unknown path of an authority", Failure::no_such_path()),
        ("unknown path beside the figures", Failure::only_figures()),
        ("code in a page", Failure::no_such_code("after")),
        ("wrong codes", Failure::too_many_codes(Duration::from_millis(5500))),
        ("method", Failure::method_not_allowed("POST, OPTIONS")),
        ("host", Failure::bad_host()),
        ("framing", Failure::bad_framing()),
        ("head", Failure::bad_head(StatusCode::BAD_REQUEST)),
        ("large head", Failure::bad_head(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)),
        ("too large", Failure::body_too_large(10)),
        ("stalled", Failure::body_stalled()),
        ("broken", Failure::body_broken()),
        ("not JSON", Failure::not_json()),
        ("compressed", Failure::compressed()),
        ("too deep", Failure::too_deep(128)),
        ("bodies exhausted", Failure::bodies_exhausted()),
        ("too many messages", Failure::too_many("messages", 2)),
        ("shutting down", Failure::shutting_down()),
        ("internal", Failure::internal()),
        ("no admin key", Failure::no_admin_key()),
        ("wrong admin key", Failure::wrong_admin_key()),
        ("session only", Failure::admin_key_only()),
        ("foreign host", Failure::host_not_allowed()),
        ("cross-site", Failure::cross_site()),
        ("JSON", Failure::invalid_json("unknown field `x`", Some("x"))),
        ("value", Failure::invalid_value("weight", "write 1 to 100")),
        ("unsupported", Failure::unsupported("background", "leave it out")),
        ("unfinished", Failure::unfinished()),
        ("page", Failure::no_such_page("after")),
        ("domain", Failure::foreign_domain("evil.example")),
        ("request", Failure::no_such_request()),
        ("streams", Failure::too_many_streams()),
    ];
    for (title, failure) in own {
        line(&mut table, title, &failure);
        writeln!(table, "    {}", failure.to_json("req_1")).expect("a String takes everything");
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_dead_credential_is_never_the_callers_fault() {
    for kind in ErrorKind::ALL {
        for status in 100..600 {
            let failure = Failure::from(Error::new(kind, "chat", "text").with_status(status));
            assert_ne!(failure.status(), 401, "{kind:?} {status}");
            assert!(failure.status() >= 400, "{kind:?} {status}");
        }
    }
}

#[test]
fn waits_are_rounded_up() {
    let error = Error::new(ErrorKind::PoolExhausted, "chat", "full")
        .with_retry_after(Duration::from_millis(1200));
    let failure = Failure::from(error);
    assert_eq!(failure.retry_after(), Some(Duration::from_secs(2)));
    assert_eq!(failure.respond("req_1").header("retry-after"), Some("2"));
}
