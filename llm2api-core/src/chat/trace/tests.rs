use super::*;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn parse(text: &str) -> Option<TraceContext> {
    TraceContext::parse(text, None)
}

fn state(text: &str) -> Option<String> {
    TraceContext::parse(PARENT, Some(text)).expect("valid").state().map(str::to_owned)
}

#[test]
fn a_header_is_read_and_written_as_it_came() {
    let context = parse(PARENT).expect("valid");
    assert_eq!(context.traceparent(), PARENT);
    assert_eq!(context.trace_text(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(context.span_id(), [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
    assert_eq!((context.parent_id(), context.is_sampled()), (None, true));
    let unrecorded = PARENT.replace("-01", "-00");
    assert_eq!(parse(&unrecorded).expect("valid").traceparent(), unrecorded);
}

#[test]
fn flags_that_nobody_knows_are_not_passed_on() {
    let context = parse(&PARENT.replace("-01", "-fe")).expect("valid");
    assert!(!context.is_sampled() && context.traceparent().ends_with("-00"));
    assert!(parse(&PARENT.replace("-01", "-ff")).expect("valid").traceparent().ends_with("-01"));
}

#[test]
fn later_versions_are_read_as_far_as_they_are_known() {
    let later = PARENT.replace("00-0af", "cc-0af");
    for text in [later.clone(), format!("{later}-what-the-future-will-be")] {
        assert_eq!(parse(&text).expect("valid").traceparent(), PARENT, "{text}");
    }
    assert!(parse(&format!("{later}.what")).is_none());
}

#[test]
fn what_is_not_written_as_it_has_to_be_is_no_header() {
    let none = "0".repeat(16);
    for text in [
        String::new(),
        "-".repeat(55),
        PARENT.to_ascii_uppercase(),
        PARENT.replace("0af", "0AF"),
        PARENT.replace("00-0af", "ff-0af"),
        PARENT.replace("00-0af", "0-0af"),
        PARENT.replace("00-0af", "+0-0af"),
        PARENT.replace("0af7", "0ag7"),
        PARENT.replace("b7ad", "b7a"),
        PARENT.replace("b7ad6b7169203331", &none),
        PARENT.replace("0af7651916cd43dd8448eb211c80319c", &none.repeat(2)),
        PARENT.replace("-01", "-1"),
        PARENT.replace("-01", "-0x"),
        PARENT.replace("-01", "-é"),
        format!("{PARENT}-more"),
        format!("{PARENT} "),
        format!(" {PARENT}"),
        format!("{PARENT},{PARENT}"),
    ] {
        assert!(parse(&text).is_none(), "{text}");
    }
}

#[test]
fn a_child_stays_in_the_trace_under_an_id_of_its_own() {
    let root = TraceContext::random().with_sampled(true);
    let (one, two) = (root.child(), root.child());
    assert!(root.parent_id().is_none() && one.is_sampled());
    for child in [&one, &two] {
        assert_eq!(child.trace_id(), root.trace_id());
        assert_eq!(child.parent_id(), Some(root.span_id()));
        assert_eq!(parse(&child.traceparent()).expect("valid").span_id(), child.span_id());
    }
    assert_ne!(one.span_id(), two.span_id());
    assert_ne!(TraceContext::random().trace_id(), root.trace_id());
    assert!(!TraceContext::random().is_sampled());
}

#[test]
fn a_list_of_states_is_passed_on_as_it_came() {
    assert_eq!(state("congo=t61rcWkgMzE").as_deref(), Some("congo=t61rcWkgMzE"));
    assert_eq!(state(" a=1 ,\tb@c=x y ,,").as_deref(), Some("a=1,b@c=x y"));
    assert_eq!(parse(PARENT).expect("valid").child().state(), None);
    let context = TraceContext::parse(PARENT, Some("a=1")).expect("valid");
    assert_eq!(context.child().state(), Some("a=1"));
    let shown = format!("{context:?}");
    assert!(shown.contains(PARENT) && !shown.contains("a=1"), "{shown}");
}

#[test]
fn a_list_of_states_that_is_not_in_order_is_left_out() {
    let many = |count: usize| (0..count).map(|at| format!("k{at}=v")).collect::<Vec<_>>().join(",");
    let long = "x".repeat(257);
    for text in ["", ",", "a", "a=", "=1", "A=1", "a=1=2", "a=1,a=2", "_a=1", "a=ü", "a=\u{1}"] {
        assert_eq!(state(text), None, "{text}");
    }
    for text in [many(33), format!("a={long}"), format!("{long}=1")] {
        assert_eq!(state(&text), None, "{text}");
    }
    assert!(state(&many(32)).is_some());
}

#[test]
fn of_a_long_list_the_newest_are_kept() {
    let long = |key: char| format!("{key}={}", "x".repeat(250));
    let text = format!("{},{},{},d=1", long('a'), long('b'), long('c'));
    assert_eq!(state(&text), Some(format!("{},{},d=1", long('a'), long('b'))));
}
