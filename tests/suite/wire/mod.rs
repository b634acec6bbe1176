//! Nobody in who does not belong: TLS, limits, and what attackers send, each with a good agent who still gets the pop.

mod attacks;
mod bench;
mod limits;
mod pending;
mod raw;
mod sites;
mod smuggling;
mod tls;
mod tools;

use crate::harness::{Agent, Service, call};

/// An agent who is there, and another who comes now, are shown their calls.
async fn still_serves(service: &Service, there: &mut Agent) {
    service.offer(call("c-there").to("ana")).await;
    there.next_pop().await;
    let mut comes = service.agent("ben").await;
    service.offer(call("c-comes").to("ben")).await;
    comes.next_pop().await;
}
