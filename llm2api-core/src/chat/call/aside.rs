//! Questions of the engine's own, such as what to search for, within the budget of the call they are for.

use std::sync::atomic::Ordering;

use super::Call;

impl Call {
    /// Notes that nobody goes on from this call's turn: nothing of it is to be kept.
    pub(crate) fn pass(&self) {
        self.log().passing = true;
    }

    /// Begins a call beside this one, for a question of ours: it takes one send from the budget and
    /// has no other. None where no send would be left for the answer.
    pub(crate) fn aside(&self) -> Option<Self> {
        let less = |sends: u32| sends.checked_sub(1).filter(|left| *left > 0);
        self.shared.sends.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        let aside = self.again(1, true);
        aside.pass();
        Some(aside)
    }

    /// Begins this call anew, as if nobody had been asked yet, with the sends that it has left. None
    /// where it has none.
    pub(crate) fn anew(&self) -> Option<Self> {
        let left = self.shared.sends.swap(0, Ordering::Relaxed);
        let anew = self.afresh(left);
        anew.rejoin(self);
        (left > 0).then_some(anew)
    }

    /// Takes over from another part of this call which credential has to rest for it.
    pub(crate) fn rejoin(&self, aside: &Self) {
        let blamed = aside.log().blamed.clone();
        let mut log = self.log();
        log.blamed = log.blamed.take().or(blamed);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::chat::TraceContext;

    #[test]
    fn g27_a_question_of_ours_draws_on_the_budget_and_leaves_a_send() {
        let call = Call::new("req_1").with_sends(3);
        let aside = call.aside().expect("two are left");
        assert!(aside.take_send() && !aside.take_send());
        assert_eq!((call.sends_left(), call.attempt_count()), (2, 0));
        aside.blame("a".into());
        call.rejoin(&aside);
        assert!(aside.is_passing() && !call.is_passing());
        assert!(call.may_blame("a") && !call.may_blame("b"));
        assert!(call.aside().is_some());
        assert!(call.aside().is_none(), "the last one is for the answer");
        assert!(call.take_send());
        assert!(call.anew().is_none(), "nothing is left");
    }

    #[test]
    fn g27_what_is_begun_anew_has_what_is_left() {
        let call = Call::new("req_1").with_sends(3);
        assert!(call.take_send());
        call.begin("local".into(), "a".into());
        call.blame("a".into());
        let anew = call.anew().expect("two are left");
        assert_eq!((anew.sends_left(), call.sends_left(), anew.attempt_count()), (2, 0, 0));
        assert!(!anew.may_blame("b"));
    }

    #[test]
    fn every_attempt_is_a_step_of_its_own_in_the_trace_of_the_call() {
        let trace = TraceContext::random();
        let call = Call::new("req_1").with_trace(trace.clone());
        assert_eq!((call.trace(), call.attempt_trace()), (Some(&trace), None));
        let aside = call.aside().expect("two are left");
        let step = |call: &Call| {
            call.begin("local".into(), "a".into());
            let step = call.attempt_trace().expect("the call is in a trace");
            assert_eq!(step.parent_id(), Some(trace.span_id()));
            step.span_id()
        };
        let ids = [step(&call), step(&call), step(&aside), step(&call.afresh(3))];
        assert_eq!(BTreeSet::from(ids).len(), 4, "{ids:?}");
        let alone = Call::new("req_2");
        alone.begin("local".into(), "a".into());
        assert_eq!(alone.attempt_trace(), None);
    }
}
