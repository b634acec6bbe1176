//! What goes when an outbox is full, and what stays.

use smol_str::SmolStr;

use super::*;
use crate::metrics::memory::Memory;

fn key(call_id: &str) -> Arc<CallKey> {
    Arc::new(CallKey { agent_id: "ana".into(), call_id: call_id.into() })
}

fn of(call_id: &str, version: u64, frame: CallFrame) -> Queued {
    Queued::of_call(&key(call_id), version, frame, format!("{call_id} {version}"))
}

fn outbox(frames: impl IntoIterator<Item = Queued>) -> Outbox {
    let frames: Vec<Queued> = frames.into_iter().collect();
    let outbox = Outbox::new(frames.len());
    for queued in frames {
        assert!(matches!(outbox.put(queued), Put::Waits));
    }
    outbox
}

fn waiting(outbox: &Outbox) -> Vec<String> {
    let next = || outbox.try_next().map(|next| String::from_utf8(next.unwrap().frame.to_vec()).unwrap());
    std::iter::from_fn(next).collect()
}

fn superseded(put: Put) -> Vec<(SmolStr, u64)> {
    match put {
        Put::InPlaceOf(superseded) => {
            superseded.into_iter().map(|about| (about.key.call_id.clone(), about.version)).collect()
        }
        other => panic!("nothing went: {other:?}"),
    }
}

use CallFrame::{Ended, Pop, Update};

#[test]
fn a_whole_pop_takes_the_place_of_what_was_to_be_said_of_its_call_before() {
    let outbox = outbox([of("a", 1, Pop), of("b", 1, Pop), of("a", 2, Update)]);
    assert_eq!(superseded(outbox.put(of("a", 3, Pop))), [("a".into(), 1), ("a".into(), 2)]);
    assert_eq!(waiting(&outbox), ["b 1", "a 3"]);
}

#[test]
fn what_waits_already_makes_room_for_frames_of_other_calls_and_of_none() {
    let full = || outbox([of("a", 1, Pop), of("a", 2, Update), of("a", 3, Ended)]);
    for coming in [of("b", 1, Pop), of("b", 1, Update), Queued::plain("pong".into())] {
        let outbox = full();
        assert_eq!(superseded(outbox.put(coming)), [("a".into(), 1), ("a".into(), 2)]);
        assert_eq!(waiting(&outbox).len(), 2);
    }
}

#[test]
fn the_end_of_a_call_that_stays_takes_the_place_of_differences_and_not_of_its_pop() {
    let outbox = outbox([of("a", 1, Pop), of("a", 2, Update)]);
    let end = Queued::end_of_call(&key("a"), 3, true, "a 3".into());
    assert_eq!(superseded(outbox.put(end)), [("a".into(), 2)]);
    assert_eq!(waiting(&outbox), ["a 1", "a 3"]);
}

#[test]
fn a_difference_is_never_dropped_for_a_difference() {
    let outbox = outbox([of("a", 1, Update), of("a", 2, Update)]);
    assert!(matches!(outbox.put(of("a", 3, Update)), Put::Full(Some(about)) if about.version == 3));
    assert_eq!(outbox.try_next().unwrap().unwrap_err(), CloseCode::Slow);
}

#[test]
fn a_pop_that_is_sent_again_takes_the_place_of_nothing_newer() {
    let outbox = outbox([of("a", 2, Update)]);
    assert!(matches!(outbox.put(of("a", 1, Pop)), Put::Full(_)));
}

#[test]
fn nothing_goes_while_there_is_room() {
    let outbox = Outbox::new(2);
    assert!(matches!(outbox.put(of("a", 1, Pop)), Put::Waits));
    assert!(matches!(outbox.put(of("a", 2, Ended)), Put::Waits));
    assert_eq!(waiting(&outbox), ["a 1", "a 2"]);
}

#[test]
fn a_closed_outbox_takes_nothing_and_holds_nothing() {
    let outbox = outbox([of("a", 1, Pop)]);
    outbox.close(CloseCode::Slow);
    assert!(matches!(outbox.put(of("b", 1, Pop)), Put::Closed));
    assert_eq!(outbox.0.waiting.lock().frames.capacity(), 0);
}

#[test]
fn an_emptied_outbox_gives_its_memory_back() {
    let outbox = Outbox::new(64);
    assert_eq!(outbox.0.waiting.lock().frames.capacity(), 0, "idle sessions pay for no queue");
    for version in 1..=64 {
        outbox.put(of("a", version, Update));
    }
    assert_eq!(waiting(&outbox).len(), 64);
    assert_eq!(outbox.0.waiting.lock().frames.capacity(), 0);
}

#[tokio::test]
async fn whoever_waits_for_a_frame_is_woken_by_it_and_by_the_close() {
    let outbox = Arc::new(Outbox::new(1));
    let reader = tokio::spawn({
        let outbox = Arc::clone(&outbox);
        async move { (outbox.next().await.map(|queued| queued.frame), outbox.next().await.map(|queued| queued.frame)) }
    });
    tokio::task::yield_now().await;
    outbox.put(Queued::plain("first".into()));
    tokio::task::yield_now().await;
    outbox.close(CloseCode::Slow);
    assert_eq!(reader.await.unwrap(), (Ok(Bytes::from("first")), Err(CloseCode::Slow)));
}

#[test]
fn an_answer_takes_at_most_half_of_an_outbox_and_closes_none() {
    let outbox = Outbox::new(4);
    let answer = || Queued::plain("timeline".into());
    assert!(outbox.offer(answer()) && outbox.offer(answer()));
    assert!(!outbox.offer(answer()), "the other half is for pops");
    assert!(matches!(outbox.put(of("a", 1, Pop)), Put::Waits));
    assert_eq!(waiting(&outbox), ["timeline", "timeline", "a 1"]);
    let smallest = Outbox::new(1);
    assert!(smallest.offer(answer()), "where nothing waits, it fits");
    smallest.close(CloseCode::Slow);
    assert!(!smallest.offer(answer()));
}

#[test]
fn what_is_held_for_an_answer_is_given_back_when_it_was_written_or_thrown_away() {
    let outbox = Outbox::new(8);
    let held = Arc::new(());
    assert!(outbox.offer(Queued::plain("written".into()).holding(Arc::clone(&held))));
    assert!(outbox.offer(Queued::plain("thrown away".into()).holding(Arc::clone(&held))));
    let written = outbox.try_next().unwrap().unwrap();
    assert_eq!(Arc::strong_count(&held), 3, "it is being written");
    drop(written);
    assert_eq!(Arc::strong_count(&held), 2);
    outbox.close(CloseCode::Slow);
    assert_eq!(Arc::strong_count(&held), 1);
    assert!(!outbox.offer(Queued::plain("refused".into()).holding(Arc::clone(&held))));
    assert_eq!(Arc::strong_count(&held), 1);
}

/// Frames of so many bytes each, for outboxes that hold `bytes_max`, and all together `all`.
fn room(bytes_max: usize, all: usize) -> OutboxLimits {
    OutboxLimits { frames_max: 64, bytes_max, all: Outboxes::new(all, Memory::default()) }
}

fn large(call_id: &str, frame: CallFrame, version: u64, bytes: usize) -> Queued {
    Queued::of_call(&key(call_id), version, frame, "x".repeat(bytes))
}

fn held(limits: &OutboxLimits) -> i64 {
    limits.all.memory.outbox_bytes.get()
}

const KIB: usize = 1024;

#[test]
fn an_outbox_holds_so_many_bytes_and_where_nothing_waits_any_one_frame() {
    let limits = room(100 * KIB, 1 << 30);
    let outbox = Outbox::new(limits.clone());
    assert!(matches!(outbox.put(large("a", Pop, 1, 150 * KIB)), Put::Waits), "alone, it fits");
    assert_eq!(
        superseded(outbox.put(large("a", Pop, 2, 50 * KIB))),
        [("a".into(), 1)],
        "it makes room as one frame for another"
    );
    assert!(matches!(outbox.put(large("b", Pop, 1, 50 * KIB)), Put::Waits));
    assert_eq!(held(&limits), 100 * KIB as i64);
    assert!(matches!(outbox.put(large("c", Pop, 1, 1)), Put::Full(_)));
    assert_eq!((held(&limits), outbox.try_next().unwrap().unwrap_err()), (0, CloseCode::Slow));
}

#[test]
fn a_frame_counts_until_it_has_been_written_or_its_session_is_gone() {
    let limits = room(100 * KIB, 1 << 30);
    let outbox = Outbox::new(limits.clone());
    outbox.put(large("a", Pop, 1, 10));
    outbox.put(large("b", Pop, 1, 20));
    let written = outbox.try_next().unwrap().unwrap();
    assert_eq!(held(&limits), 30, "it is being written");
    drop(written);
    assert_eq!(held(&limits), 20);
    drop(outbox);
    assert_eq!(held(&limits), 0);
}

#[test]
fn where_all_hold_too_much_the_one_that_holds_most_goes_and_the_newcomer_is_served() {
    let limits = room(16 << 20, 2000 * KIB);
    let [reads_nothing, slow, newcomer] = [(); 3].map(|()| Outbox::new(limits.clone()));
    for nth in 0..3 {
        reads_nothing.put(large(&format!("a-{nth}"), Pop, 1, 400 * KIB));
    }
    slow.put(large("b", Pop, 1, 700 * KIB));
    assert!(matches!(newcomer.put(large("c", Pop, 1, 300 * KIB)), Put::Waits));
    assert_eq!(reads_nothing.try_next().unwrap().unwrap_err(), CloseCode::Slow);
    assert!(slow.try_next().unwrap().is_ok(), "the next one stays");
    let metrics = limits.all.memory.clone();
    assert_eq!(metrics.outbox_bytes.get(), 300 * KIB as i64, "what is read, and what was closed, counts no more");
}

#[test]
fn whoever_would_hold_most_is_the_one_that_goes() {
    let limits = room(16 << 20, 1000 * KIB);
    let [large_one, other] = [(); 2].map(|()| Outbox::new(limits.clone()));
    other.put(large("b", Pop, 1, 300 * KIB));
    large_one.put(large("a-1", Pop, 1, 400 * KIB));
    assert!(matches!(large_one.put(large("a-2", Pop, 1, 400 * KIB)), Put::Full(_)));
    assert!(other.try_next().unwrap().is_ok());
}

#[test]
fn a_small_frame_reaches_a_session_that_reads_whatever_others_hold() {
    let limits = room(16 << 20, 100 * KIB);
    let others: Vec<Outbox> = (0..10).map(|_| Outbox::new(limits.clone())).collect();
    for other in &others {
        assert!(matches!(other.put(large("b", Pop, 1, 200 * KIB)), Put::Waits), "nothing waits there");
    }
    let newcomer = Outbox::new(limits);
    assert!(matches!(newcomer.put(large("c", Pop, 1, SMALL_BYTES)), Put::Waits));
    assert!(
        !newcomer.offer(Queued::plain("an answer".into())),
        "where the node is full, nobody is answered beside pops"
    );
    assert!(matches!(newcomer.put(large("d", Pop, 1, 1)), Put::Full(_)), "a second one only where there is room");
}

#[test]
fn an_answer_is_refused_for_its_bytes_and_closes_nobody() {
    let limits = room(100 * KIB, 1000 * KIB);
    let outbox = Outbox::new(limits.clone());
    outbox.put(large("a", Pop, 1, 10 * KIB));
    assert!(!outbox.offer(Queued::plain("x".repeat(50 * KIB))));
    assert!(outbox.offer(Queued::plain("x".repeat(40 * KIB))));
    assert!(matches!(outbox.put(large("b", Pop, 1, 50 * KIB)), Put::Waits));
    assert_eq!(held(&limits), 100 * KIB as i64);
}

#[tokio::test]
async fn whoever_waits_for_room_goes_on_when_half_of_it_was_read_and_stops_where_it_is_closed() {
    let outbox = Arc::new(Outbox::new(4));
    for version in 1..=3 {
        outbox.put(of("a", version, Update));
    }
    let waiter = tokio::spawn({
        let outbox = Arc::clone(&outbox);
        async move { outbox.has_room().await }
    });
    tokio::task::yield_now().await;
    outbox.try_next();
    tokio::task::yield_now().await;
    assert!(!waiter.is_finished(), "it is half full");
    outbox.try_next();
    assert!(waiter.await.unwrap());
    outbox.close(CloseCode::Slow);
    assert!(!outbox.has_room().await);
}
