//! Sessions that follow other agents' calls.

use super::*;

impl Desk {
    fn follows(&self, client: &Client, agents: &[&str], showing: Vec<Showing>) -> Vec<String> {
        let agents = agents.iter().map(|agent_id| (*agent_id).to_owned()).collect();
        self.agents.follow(&client.session, agents, showing, self.now)
    }
}

#[test]
fn a_supervisor_sees_what_the_agents_see_and_whose_it_is() {
    let desk = Desk::new();
    let mut eva = desk.joins("eva", vec![]);
    assert_eq!(desk.follows(&eva, &["ana", "ben"], vec![]), ["ana", "ben"]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    desk.hears(event("ben", "c-1", Offered, 1), 3);
    desk.hears(event("ben", "c-1", Connected, 2), 3);
    let told = eva.reads_texts(&desk.agents, desk.now);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[2].contains("\"agentId\":\"ana\"") && told[2].contains("\"reason\":\"taken\""), "{}", told[2]);
    assert!(told[3].contains("\"type\":\"update\"") && told[3].contains("\"agentId\":\"ben\""), "{}", told[3]);
    let on_screen = |agent_id: &str| &eva.screen[&(agent_id.to_owned(), "c-1".to_owned())];
    assert!(on_screen("ana").ended && !on_screen("ben").ended);
    assert_eq!(on_screen("ben").call["state"], "connected");
}

#[test]
fn an_acknowledgement_of_one_agents_call_is_none_of_anothers() {
    let mut desk = Desk::new();
    let mut eva = desk.joins("eva", vec![]);
    desk.follows(&eva, &["ana", "ben"], vec![]);
    desk.hears(event("ana", "c-1", Connected, 0), 3);
    desk.hears(event("ben", "c-1", Connected, 1), 3);
    assert_eq!(desk.reads(&mut eva), ["pop 1", "pop 1"]);
    let received = |key: &CallKey| desk.agents.acknowledge(&eva.session, key, 1, (Stage::Received, None), desk.now);
    assert!(received(&key("ana", "c-1")));
    assert!(!received(&key("eva", "c-1")));
    desk.waits(1);
    let again = eva.reads_texts(&desk.agents, desk.now);
    assert_eq!(again.len(), 1);
    assert!(again[0].contains("\"agentId\":\"ben\""), "{}", again[0]);
}

#[test]
fn a_new_list_replaces_the_one_before_and_what_is_followed_on_is_not_sent_again() {
    let desk = Desk::new();
    let mut eva = desk.joins("eva", vec![]);
    desk.follows(&eva, &["ana"], vec![]);
    desk.hears(event("ana", "c-1", Offered, 0), 3);
    assert_eq!(desk.reads(&mut eva), ["pop 1"]);
    assert_eq!(desk.follows(&eva, &["ana", "ben"], vec![]), ["ben"]);
    assert_eq!(desk.follows(&eva, &["ben"], vec![]), [""; 0]);
    desk.hears(event("ana", "c-1", Connected, 1), 3);
    desk.hears(event("ana", "c-2", Offered, 2), 3);
    assert_eq!(desk.reads(&mut eva), [""; 0], "ana is followed no more");
    assert_eq!(desk.pops(&key("ana", "c-2"), &eva.session, 3), Delivery::Gone, "a look-up that was under way");

    assert_eq!(desk.follows(&eva, &["ana"], vec![]), ["ana"]);
    assert_eq!(desk.pops(&key("ana", "c-1"), &eva.session, 3), Delivery::Sent);
    assert_eq!(desk.reads(&mut eva), ["pop 2"], "versions grow on");
}

#[test]
fn a_supervisor_who_comes_back_is_told_only_what_differs() {
    let desk = Desk::new();
    let mut eva = desk.joins("eva", vec![]);
    desk.follows(&eva, &["ana"], vec![]);
    for call_id in ["c-1", "c-2"] {
        desk.hears(event("ana", call_id, Connected, 0), 3);
    }
    desk.reads(&mut eva);
    desk.agents.leave(&eva.session, None, desk.now);
    desk.hears(event("ana", "c-2", Ended, 90), 3);

    let mut back = desk.joins("eva", vec![]);
    desk.follows(&back, &["ana"], eva.showing());
    assert_eq!(desk.pops(&key("ana", "c-1"), &back.session, 3), Delivery::Known);
    assert_eq!(desk.pops(&key("ana", "c-2"), &back.session, 3), Delivery::Known);
    assert_eq!(desk.reads(&mut back), ["ended 1"]);
    assert!(desk.agents.showing(&key("ana", "c-1")).iter().any(|session| session.id == back.session.id));
}

#[test]
fn what_nobody_has_heard_of_stays_no_longer_for_a_supervisor_who_says_again_who_is_followed() {
    let mut desk = Desk::new();
    let mut eva = desk.joins("eva", vec![]);
    let showing = vec![Showing { agent_id: Some("ana".into()), ..came_with::shows("c-1") }];
    desk.follows(&eva, &["ana"], showing.clone());
    desk.waits(5);
    desk.follows(&eva, &["ana"], showing);
    desk.waits(5);
    assert_eq!(desk.reads(&mut eva), ["ended 1"]);
}

#[test]
fn a_supervisor_who_leaves_is_followed_by_nothing() {
    let desk = Desk::new();
    let eva = desk.joins("eva", vec![]);
    desk.follows(&eva, &["ana"], vec![]);
    desk.agents.leave(&eva.session, None, desk.now);
    assert!(desk.agents.hear(event("ana", "c-1", Offered, 0), desk.now, desk.now).show.is_empty());
}
