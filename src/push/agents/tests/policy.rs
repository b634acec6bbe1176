//! Sessions that see less than there is, and what a fresh token changes.

use serde_json::Value;

use super::prepared::journey_of;
use super::*;
use crate::auth::Scopes;
use crate::config::{Layers, load_without_kafka};
use crate::journey::Campaign;
use crate::policy::FieldPolicy;

fn may(scopes: &[&str]) -> Identity {
    Identity { scopes: Scopes::of(scopes.iter().copied()), ..Identity::unverified("ana".into()) }
}

impl Desk {
    /// Under a policy that masks numbers.
    fn joins_as(&self, identity: Identity) -> Client {
        let layers = Layers::new(None, &[("policy.number_digits".into(), "4".into())]).unwrap();
        let policy = FieldPolicy::of(&load_without_kafka(&layers).unwrap().policy);
        let session = Session::new(identity, Tz::UTC, 64).under(Arc::new(policy));
        let session = Arc::new(session);
        self.agents.join(&session, vec![], self.now).unwrap();
        Client::of(session)
    }

    /// The timeline as the session may see it.
    fn pops_to(&self, client: &Client, interactions: usize) -> Delivery {
        let prepared = journey_of(interactions).as_seen_by(client.session.fields());
        self.agents.pop(&key("ana", "c-1"), &client.session, &prepared, true, self.now)
    }

    fn updates_to(&self, client: &Client, interactions: usize) -> Delivery {
        let prepared = journey_of(interactions).as_seen_by(client.session.fields());
        self.agents.update(&key("ana", "c-1"), &client.session, &prepared, self.now)
    }
}

fn called(state: CallState, seconds: i64) -> Call {
    let campaign = Some(Campaign { id: "list-2015550142".into(), name: None });
    Call { campaign, ..event("ana", "c-1", state, seconds) }
}

#[test]
fn a_masked_number_is_in_no_frame_of_a_call_from_its_offer_to_its_end() {
    let desk = Desk::new();
    let mut ana = desk.joins_as(may(&[]));
    desk.agents.hear(called(Offered, 0), desk.now, desk.now);
    assert_eq!(desk.pops_to(&ana, 3), Delivery::Sent);
    desk.agents.hear(called(Connected, 1), desk.now, desk.now);
    assert_eq!(desk.updates_to(&ana, 4), Delivery::Sent);
    desk.agents.hear(called(Ended, 2), desk.now, desk.now);
    let told = ana.reads_texts(&desk.agents, desk.now);
    assert_eq!(told.len(), 4, "{told:?}");
    for frame in told {
        assert!(!frame.contains("201555"), "{frame}");
    }
}

#[test]
fn what_was_told_has_the_digest_that_another_node_finds() {
    let (desk, other) = (Desk::new(), Desk::new());
    let mut ana = desk.joins_as(may(&[]));
    desk.agents.hear(called(Offered, 0), desk.now, desk.now);
    desk.pops_to(&ana, 3);
    desk.agents.hear(called(Connected, 1), desk.now, desk.now);
    ana.reads_texts(&desk.agents, desk.now);
    other.agents.hear(called(Connected, 1), other.now, other.now);
    let there = other.joins_as(may(&[]));
    let back = ana.comes_back(Arc::clone(&there.session));
    other.agents.leave(&there.session, None, other.now);
    other.agents.join(&there.session, back.showing(), other.now).unwrap();
    assert_eq!(other.pops_to(&back, 3), Delivery::Known);
    desk.agents.hear(called(Ended, 2), desk.now, desk.now);
    ana.reads_texts(&desk.agents, desk.now);
    let whole = desk.joins_as(may(&["numbers:read"]));
    assert_eq!(desk.pops_to(&whole, 3), Delivery::Sent, "who sees more sees something else");
}

#[test]
fn a_token_that_says_more_brings_the_whole_timeline_at_the_next_change_and_one_that_says_less_masks_it() {
    let desk = Desk::new();
    let mut ana = desk.joins_as(may(&[]));
    desk.agents.hear(called(Offered, 0), desk.now, desk.now);
    desk.pops_to(&ana, 3);
    ana.session.renew(may(&["numbers:read"]));
    assert_eq!(desk.updates_to(&ana, 3), Delivery::SentWhole);
    let told = ana.reads_texts(&desk.agents, desk.now);
    let whole: Value = serde_json::from_str(&told[1]).unwrap();
    assert_eq!(
        (&whole["timeline"]["number"], &whole["call"]["number"]),
        (&"+12015550142".into(), &"+12015550142".into())
    );
    ana.session.renew(may(&[]));
    desk.agents.hear(called(Connected, 1), desk.now, desk.now);
    desk.updates_to(&ana, 4);
    for frame in ana.reads_texts(&desk.agents, desk.now) {
        assert!(!frame.contains("201555"), "{frame}");
    }
}
