//! What clients that come with calls on their screens are told of them.

use super::*;

/// As `hello` says it of a call that counts as open.
pub fn shows(call_id: &str) -> Showing {
    Showing { call_id: call_id.into(), agent_id: None, digest: None, ended: false }
}

#[test]
fn a_call_that_another_node_has_heard_of_before_stays_on_the_screen_and_does_not_come_again() {
    let (here, mut there) = (Desk::new(), Desk::new());
    let mut ana = here.joins("ana", vec![]);
    for call_id in ["c-1", "c-2"] {
        here.hears(event("ana", call_id, Offered, 95), 3);
    }
    here.reads(&mut ana);
    let mut moved = there.joins("ana", ana.showing());
    there.waits(9);
    assert_eq!(there.reads(&mut moved), [""; 0]);
    there.hears(event("ana", "c-1", Offered, 95), 3);
    assert_eq!(there.reads(&mut moved), [""; 0], "it is shown as it is");
    there.hears(event("ana", "c-2", Offered, 95), 4);
    let told = moved.reads_texts(&there.agents, there.now);
    assert!(told.len() == 1 && told[0].contains("\"announce\":false"), "its history has grown: {told:?}");
    assert!(there.acknowledges(&moved, "c-2", 1, Stage::Received));
    there.waits(600);
    assert_eq!(there.reads(&mut moved), [""; 0]);
}

#[test]
fn a_call_that_nobody_here_has_heard_of_is_taken_off_after_ten_seconds() {
    let mut desk = Desk::new();
    let mut ana = desk.joins("ana", vec![shows("c-1")]);
    desk.waits(5);
    let mut ben = desk.joins("ben", vec![shows("c-2")]);
    desk.waits(5);
    let told = ana.reads_texts(&desk.agents, desk.now);
    assert!(told.len() == 1 && told[0].contains("\"reason\":\"expired\""), "{told:?}");
    assert_eq!(desk.reads(&mut ben), [""; 0], "ben came later");
    desk.waits(5);
    assert_eq!(desk.reads(&mut ben), ["ended 1"]);
}

#[test]
fn a_call_on_the_screen_whose_end_is_the_first_that_is_heard_of_it_is_ended_at_once() {
    let desk = Desk::new();
    let mut ana = desk.joins("ana", vec![shows("ended"), shows("taken")]);
    desk.hears(event("ana", "ended", Ended, 90), 3);
    desk.hears(event("ben", "taken", Connected, 95), 3);
    desk.hears(event("ana", "taken", Offered, 90), 3);
    let told = ana.reads_texts(&desk.agents, desk.now);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("\"reason\":\"ended\"") && told[1].contains("\"reason\":\"taken\""), "{told:?}");
}

#[test]
fn before_the_replay_was_read_nobody_is_told_anything_and_afterwards_what_is_over() {
    let (agents, asks) = Agents::new(CallLimits::of_tests(1000), sessions(), Ledger::new(Metrics::new()));
    let mut desk = Desk { agents, asks, outbox_frames_max: 64, now: at(100) };
    let mut ana = desk.joins("ana", vec![shows("open"), shows("ended"), shows("of-last-week")]);
    desk.hears(event("ana", "open", Offered, 50), 3);
    desk.hears(event("ana", "ended", Connected, 50), 3);
    desk.hears(event("ana", "ended", Ended, 90), 3);
    desk.waits(20);
    assert_eq!(desk.reads(&mut ana), [""; 0]);
    let waiting = desk.agents.caught_up(desk.now);
    assert_eq!(waiting.len(), 1);
    let mut told = ana.reads_texts(&desk.agents, desk.now);
    told.sort();
    assert!(told[0].contains("\"callId\":\"ended\"") && told[0].contains("\"reason\":\"ended\""), "{told:?}");
    assert!(told[1].contains("\"callId\":\"of-last-week\"") && told[1].contains("\"reason\":\"expired\""), "{told:?}");
    assert_eq!(told.len(), 2);
}

/// A desk whose replay window is still being read.
fn that_reads_its_window(known_max: usize) -> Desk {
    let (agents, asks) = Agents::new(CallLimits::of_tests(known_max), sessions(), Ledger::new(Metrics::new()));
    Desk { agents, asks, outbox_frames_max: 64, now: at(100) }
}

#[test]
fn nothing_expires_before_the_replay_window_was_read() {
    let mut desk = that_reads_its_window(1000);
    let mut ana = desk.joins("ana", vec![shows("goes-on"), shows("over")]);
    desk.hears(event("ana", "goes-on", Offered, 0), 3);
    desk.hears(event("ana", "over", Offered, 0), 3);
    desk.now = at(7300);
    assert_eq!(desk.agents.expire(desk.now), 0);
    desk.hears(event("ana", "goes-on", Connected, 7290), 3);
    assert_eq!(desk.reads(&mut ana), [""; 0]);
    desk.agents.caught_up(desk.now);
    assert_eq!(desk.reads(&mut ana), ["ended 1"], "the one of which nothing more was heard");
    let open = desk.agents.newest_calls_of("ana", desk.now);
    assert_eq!(open.iter().map(|seen| seen.key.call_id.as_str()).collect::<Vec<_>>(), ["goes-on"]);
    assert_eq!((desk.agents.expire(desk.now), desk.agents.expire(desk.now)), (1, 0), "it is counted once");

    desk.agents.begin_anew();
    desk.hears(event("ana", "goes-on", Connected, 7290), 3);
    assert_eq!(desk.agents.expire(at(20_000)), 0, "the window is read again");
}

#[test]
fn a_call_that_has_to_be_forgotten_while_the_window_is_read_is_not_ended_on_the_screen_before_it_was_read() {
    let mut desk = that_reads_its_window(1);
    let mut ana = desk.joins("ana", vec![shows("c-1")]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    let decision = desk.agents.hear(event("ben", "b-1", Offered, 1), desk.now, desk.now);
    assert_eq!(decision.forgotten, [Limit::Known]);
    assert_eq!(desk.reads(&mut ana), [""; 0]);
    desk.hears(event("ana", "c-1", Connected, 2), 3);
    desk.waits(11);
    desk.agents.caught_up(desk.now);
    assert_eq!(desk.reads(&mut ana), [""; 0], "it goes on");
}

#[test]
fn however_many_calls_a_client_comes_with_all_that_are_over_are_ended() {
    let mut desk = Desk::with(8, 1000);
    let mut ana = desk.joins("ana", (0..100).map(|nth| shows(&format!("c-{nth}"))).collect());
    desk.waits(10);
    assert_eq!(desk.reads(&mut ana).len(), 100);
}
