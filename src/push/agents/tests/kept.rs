//! What is kept of timelines on screens, and what goes.

use super::*;
use crate::metrics::memory::Memory;

impl Desk {
    /// That keeps so many bytes of outlines.
    fn that_keeps(outlines_bytes_max: usize) -> Self {
        let limits = CallLimits::of_tests(1000);
        let sessions = SessionLimits { outlines_bytes_max, ..sessions() };
        let (agents, asks) = Agents::new(limits, sessions, Ledger::new(Metrics::new()));
        agents.caught_up(at(100));
        Self { agents, asks, outbox_frames_max: 64, now: at(100) }
    }

    fn memory(&self) -> Memory {
        self.agents.ledger.metrics().memory.clone()
    }

    fn outline_bytes(&self) -> i64 {
        self.memory().outline_bytes.get()
    }

    fn concerned(&self) -> Vec<String> {
        let concerned = self.agents.concerned(&["+12015550142".to_owned()].into());
        concerned.iter().map(|key| key.call_id.to_string()).collect()
    }
}

#[test]
fn a_change_of_a_timeline_finds_the_calls_that_show_it_until_nobody_does() {
    let desk = Desk::new();
    let ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    desk.hears(event("ana", "c-2", Offered, 0), 3);
    let again = desk.joins("ana", vec![]);
    desk.pops(&key("ana", "c-1"), &again.session, 3);
    assert_eq!(desk.concerned(), ["c-1", "c-2"]);
    desk.agents.leave(&ana.session, None, desk.now);
    assert_eq!(desk.concerned(), ["c-1"]);
    desk.agents.leave(&again.session, None, desk.now);
    assert_eq!((desk.concerned().len(), desk.outline_bytes()), (0, 0));
}

#[test]
fn nothing_is_kept_of_the_timeline_of_a_call_that_is_over_after_its_wrap_up() {
    let mut desk = Desk::new();
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Connected, 0), 300);
    desk.hears(event("ana", "c-1", Ended, 100), 300);
    desk.reads(&mut ana);
    let mut late = desk.joins("ana", vec![]);
    desk.pops(&key("ana", "c-1"), &late.session, 300);
    desk.waits(119);
    assert_eq!(desk.concerned(), ["c-1"], "it is followed through its wrap-up");
    desk.waits(1);
    assert_eq!((desk.concerned().len(), desk.outline_bytes()), (0, 0));
    desk.hears(event("ana", "c-1", Connected, 221), 300);
    assert_eq!(desk.reads(&mut ana), ["pop 3"], "it comes again with its next version");
    assert_eq!(desk.reads(&mut late), ["pop 1", "pop 2"]);
}

#[test]
fn nothing_is_kept_of_the_timeline_of_a_call_that_another_agent_took() {
    let desk = Desk::new();
    let _ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 300);
    assert!(desk.outline_bytes() > 0);
    desk.hears(event("ben", "c-1", Connected, 1), 300);
    assert_eq!(desk.outline_bytes(), 0);
}

#[test]
fn where_too_much_is_kept_calls_that_are_over_and_then_the_oldest_bring_whole_timelines() {
    let one = {
        let desk = Desk::new();
        let _ana = desk.joins("ana", vec![]);
        desk.hears(event("ana", "c-1", Offered, 0), 300);
        usize::try_from(desk.outline_bytes()).unwrap()
    };
    let desk = Desk::that_keeps(5 * one / 2);
    let mut ana = desk.joins("ana", vec![]);
    for (nth, call_id) in ["oldest", "over", "newest"].into_iter().enumerate() {
        desk.hears(event("ana", call_id, Connected, nth as i64), 300);
        if call_id == "over" {
            desk.hears(event("ana", call_id, Ended, 95), 300);
        }
    }
    let kept = || usize::try_from(desk.outline_bytes()).unwrap();
    assert!((2 * one..5 * one / 2).contains(&kept()), "{} bytes, of which one is {one}", kept());
    desk.reads(&mut ana);
    let mut brings_a_whole_timeline = |call_id: &str| {
        desk.updates(&key("ana", call_id), 301);
        let told = ana.reads_texts(&desk.agents, desk.now);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(kept() <= 5 * one / 2);
        told[0].contains("\"timeline\":")
    };
    assert!(!brings_a_whole_timeline("newest"));
    assert!(!brings_a_whole_timeline("oldest"), "the one that is over went first");
    assert!(brings_a_whole_timeline("over"));
    desk.hears(event("ana", "another", Offered, 9), 300);
    desk.hears(event("ana", "one more", Offered, 10), 300);
    ana.reads_texts(&desk.agents, desk.now);
    desk.updates(&key("ana", "newest"), 302);
    let told = ana.reads_texts(&desk.agents, desk.now);
    assert!(told[0].contains("\"timeline\":"), "then the one that was brought up to date first: {told:?}");
}

#[test]
fn a_call_of_which_less_is_kept_follows_its_states_and_its_address() {
    let desk = Desk::that_keeps(1);
    let mut ana = desk.joins("ana", vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 300);
    let once = desk.outline_bytes();
    assert!(once > 0 && once < 1000, "{once} bytes, of 300 interactions");
    assert_eq!(desk.concerned(), ["c-1"]);
    desk.hears(event("ana", "c-1", Connected, 1), 300);
    desk.hears(event("ana", "c-1", Ended, 95), 300);
    assert_eq!(desk.reads(&mut ana), ["pop 1", "update 2", "ended 3"]);
}

#[test]
fn pops_that_were_not_acknowledged_wait_to_be_sent_again_while_half_an_outbox_is_still_to_be_read() {
    let mut desk = Desk::with(8, 1000);
    let mut ana = desk.joins("ana", vec![]);
    for nth in 0..8 {
        desk.hears(event("ana", &format!("read-{nth}"), Offered, nth), 1);
        desk.reads(&mut ana);
    }
    for nth in 0..4 {
        desk.hears(event("ana", &format!("waits-{nth}"), Offered, 10 + nth), 1);
    }
    desk.waits(1);
    assert_eq!(desk.reads(&mut ana).len(), 4, "the session is not closed as slow, and reads on");
    for _ in 0..3 {
        desk.waits(1);
        desk.reads(&mut ana);
    }
    assert!(desk.happened("sent_again") >= 8, "then they come");
    assert_eq!(desk.happened("outbox_full"), 0);
}
