//! Who is counted with whom, and what is forgotten.

use super::*;

fn gate(settings: &[(&str, &str)]) -> Arc<Gate> {
    let said: Vec<_> = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let settings = crate::config::load_without_kafka(&crate::config::Layers::new(None, &said).unwrap()).unwrap();
    Gate::new(&settings.http, Metrics::new())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn clients_of_one_ipv6_network_are_counted_together_and_ipv4_addresses_each() {
    let same = |a: &str, b: &str| place(ip(a)) == place(ip(b));
    assert!(same("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
    assert!(!same("2001:db8:0:1::1", "2001:db8:0:2::1"));
    assert!(!same("192.0.2.1", "192.0.2.2"));
    assert!(same("::ffff:192.0.2.1", "192.0.2.1"), "an IPv4 client of a listener for both");
}

#[test]
fn an_address_has_so_many_connections_and_no_more_until_one_is_given_back() {
    let gate = gate(&[("http.connections_per_address_max", "2")]);
    let first = gate.seat(ip("192.0.2.1")).ok().unwrap();
    let _second = gate.seat(ip("192.0.2.1")).ok().unwrap();
    assert_eq!(gate.seat(ip("192.0.2.1")).err(), Some(Refused::PerAddress));
    assert!(gate.seat(ip("192.0.2.2")).is_ok(), "another address has its own");
    drop(first);
    assert!(gate.seat(ip("192.0.2.1")).is_ok());
}

#[test]
fn an_address_comes_as_often_as_it_may_and_a_refusal_costs_it_nothing() {
    let gate = gate(&[("http.handshakes_per_second_per_address_max", "1")]);
    let came = (0..30).filter(|_| gate.seat(ip("192.0.2.1")).is_ok()).count();
    assert_eq!(came, 10, "ten seconds' worth at once");
    assert_eq!(gate.seat(ip("192.0.2.1")).err(), Some(Refused::Rate));
    assert!(gate.seat(ip("192.0.2.2")).is_ok());
}

#[test]
fn addresses_that_left_are_forgotten() {
    let gate = gate(&[]);
    let start = Instant::now();
    for nth in 0..1000 {
        gate.addresses.enter(Place::V6(nth), start).unwrap();
        drop(Seat { addresses: Arc::clone(&gate.addresses), place: Place::V6(nth) });
    }
    assert_eq!(gate.addresses.known.lock().seen.len(), 1000);
    gate.addresses.enter(Place::V4(1), start + 2 * SWEEP_EVERY).unwrap();
    assert_eq!(gate.addresses.known.lock().seen.len(), 1);
}

#[test]
fn what_is_refused_has_a_line_now_and_then() {
    let gate = gate(&[("http.connections_per_address_max", "1")]);
    let _first = gate.seat(ip("192.0.2.1"));
    for _ in 0..9 {
        assert_eq!(gate.seat(ip("192.0.2.1")).err(), Some(Refused::PerAddress));
    }
    let text = gate.metrics.text(0);
    assert!(text.contains("backstory_log_suppressed_total 8\n"), "all but the first: {text}");
    let later = gate.log.lock().flush(Instant::now() + LINE_EVERY);
    assert_eq!(later.iter().map(|(why, line)| (*why, line.times)).collect::<Vec<_>>(), [(Refused::PerAddress, 8)]);
}

#[test]
fn the_oldest_that_is_no_session_makes_room() {
    let pending = Pending::new(2);
    let (first, first_leave) = pending.add();
    let (_, second_leave) = pending.add();
    assert!(!pending.is_over());
    pending.remove(first); // it said hello
    pending.add();
    pending.add();
    assert!(pending.is_over() && pending.leave_oldest());
    assert!(second_leave.is_cancelled() && !first_leave.is_cancelled());
}

#[test]
fn a_connection_that_has_to_make_room_becomes_no_session_and_a_session_never_has_to() {
    let pending = Pending::new(1);
    let (first, leave) = pending.add();
    let (second, stays) = pending.add();
    assert!(pending.remove(second), "it says hello in time");
    assert!(pending.leave_oldest() && leave.is_cancelled());
    assert!(!pending.remove(first), "its hello comes too late");
    assert!(!pending.leave_oldest() && !stays.is_cancelled());
}
