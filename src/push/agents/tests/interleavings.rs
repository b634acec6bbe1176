//! Thousands of interleavings of events, sessions, look-ups and slow readers: whatever happened in between, in the end every
//! screen shows what the log says. `PROPTEST_CASES=100000` runs more of them.

use proptest::prelude::*;
use std::collections::HashMap;

use super::*;

const AGENTS: [&str; 3] = ["ana", "ben", "eva"];
const CALLS: [&str; 2] = ["c-1", "c-2"];
const STATES: [CallState; 4] = [Offered, Connected, WrapUp, Ended];
/// Follows all agents.
const SUPERVISOR: &str = "sue";

/// An event: agent, call, state, seconds, and which of two numbers it names.
type Told = (usize, usize, usize, i64, bool);

fn told() -> impl Strategy<Value = Told> {
    (0..AGENTS.len(), 0..CALLS.len(), 0..STATES.len(), 0..8i64, any::<bool>())
}

fn call_of((agent, call, state, seconds, other_number): Told) -> Call {
    let mut call = event(AGENTS[agent], CALLS[call], STATES[state], seconds);
    if other_number {
        call.number = Some("+12025550143".into());
    }
    // Some events name the campaign, and some do not; two events of one moment may say different things.
    call.campaign = (seconds % 2 == 0)
        .then(|| crate::journey::Campaign { id: "td".into(), name: (state == 0).then(|| "Term deposit".into()) });
    call.parent_call_id = (state == 1).then(|| "c-0".into());
    call
}

#[derive(Debug, Clone)]
enum Step {
    Event(Told),
    /// Somebody's history grows.
    Record(usize, usize),
    /// A look-up that was under way is done.
    LookedUp(usize),
    /// A session reads so many frames, and acknowledges them or not.
    Reads(usize, usize, bool),
    Comes(usize),
    /// From another node, with a call that may not have been heard of here.
    ComesWith(usize, usize),
    Goes(usize),
    Seconds(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => told().prop_map(Step::Event),
        2 => (0..AGENTS.len(), 0..CALLS.len()).prop_map(|(agent, call)| Step::Record(agent, call)),
        6 => any::<usize>().prop_map(Step::LookedUp),
        4 => (any::<usize>(), 1..5usize, any::<bool>()).prop_map(|(who, frames, acks)| Step::Reads(who, frames, acks)),
        2 => (0..=AGENTS.len()).prop_map(Step::Comes),
        1 => (0..=AGENTS.len(), 0..CALLS.len()).prop_map(|(who, call)| Step::ComesWith(who, call)),
        1 => any::<usize>().prop_map(Step::Goes),
        1 => (1..4i64).prop_map(Step::Seconds),
    ]
}

/// A pop that waits for its look-up, which has seen so many interactions.
struct LookingUp {
    key: Arc<CallKey>,
    session: Arc<Session>,
    seen: usize,
}

/// The service's part in a play: what `screen_pop` does, one step at a time.
struct Play {
    desk: Desk,
    clients: Vec<Client>,
    looking_up: Vec<LookingUp>,
    interactions: HashMap<Arc<CallKey>, usize>,
}

impl Play {
    fn new(outbox_frames_max: usize, limits: CallLimits) -> Self {
        let desk = Desk::within(limits, outbox_frames_max);
        Self { desk, clients: Vec::new(), looking_up: Vec::new(), interactions: HashMap::new() }
    }

    fn interactions(&self, key: &CallKey) -> usize {
        self.interactions.get(key).copied().unwrap_or(1)
    }

    fn looks_up(&mut self, key: Arc<CallKey>, session: Arc<Session>) {
        let seen = self.interactions(&key);
        self.looking_up.push(LookingUp { key, session, seen });
    }

    fn takes(&mut self, step: Step) {
        match step {
            Step::Event(told) => {
                let heard = self.desk.agents.hear(call_of(told), self.desk.now, self.desk.now);
                for session in heard.show {
                    self.looks_up(Arc::clone(&heard.key), session);
                }
            }
            Step::Record(agent, call) => {
                let key = key(AGENTS[agent], CALLS[call]);
                let interactions = self.interactions(&key) + 1;
                self.interactions.insert(Arc::clone(&key), interactions);
                self.desk.updates(&key, interactions);
            }
            Step::LookedUp(nth) if !self.looking_up.is_empty() => {
                let nth = nth % self.looking_up.len();
                self.looked_up(nth);
            }
            Step::Reads(who, frames, acknowledges) if !self.clients.is_empty() => {
                let who = who % self.clients.len();
                for _ in 0..frames {
                    self.reads(who, acknowledges);
                }
            }
            Step::Comes(who) if self.clients.len() < 6 => {
                let client = self.joins(AGENTS.get(who).copied().unwrap_or(SUPERVISOR), &[]);
                self.joined(client, vec![]);
            }
            Step::ComesWith(who, call) if self.clients.len() < 6 => {
                let of = AGENTS.get(who).copied().unwrap_or(AGENTS[0]);
                let agent_id = AGENTS.get(who).copied().unwrap_or(SUPERVISOR);
                let other = (of != agent_id).then(|| of.into());
                let showing = vec![Showing { agent_id: other, ..came_with::shows(CALLS[call]) }];
                let client = self.joins(agent_id, &showing).that_shows(of, CALLS[call]);
                self.joined(client, showing);
            }
            Step::Goes(who) if !self.clients.is_empty() => {
                let who = who % self.clients.len();
                self.comes_back(who);
            }
            Step::Seconds(seconds) => _ = self.desk.waits(seconds),
            _ => {}
        }
    }

    fn looked_up(&mut self, nth: usize) {
        let LookingUp { key, session, seen } = self.looking_up.swap_remove(nth);
        self.desk.pops(&key, &session, seen);
        // What was kept during the look-up.
        if seen != self.interactions(&key) {
            self.desk.updates(&key, self.interactions(&key));
        }
    }

    /// A supervisor shows calls of others, and says so when following them.
    fn joins(&self, agent_id: &str, showing: &[Showing]) -> Client {
        self.desk.joins(agent_id, if agent_id == SUPERVISOR { vec![] } else { showing.to_vec() })
    }

    fn joined(&mut self, client: Client, showing: Vec<Showing>) {
        let (session, own) = (Arc::clone(&client.session), client.session.agent_id.clone());
        let mut sees = vec![own.clone()];
        if own == SUPERVISOR {
            let agents = AGENTS.map(str::to_owned).to_vec();
            sees.extend(self.desk.agents.follow(&session, agents, showing, self.desk.now));
        }
        self.clients.push(client);
        for agent_id in sees {
            for seen in self.desk.agents.calls_of(&agent_id, self.desk.now) {
                self.looks_up(seen.key, Arc::clone(&session));
            }
        }
    }

    /// The line breaks, and the client comes back with what it shows.
    fn comes_back(&mut self, who: usize) {
        let left = self.clients.swap_remove(who);
        self.desk.agents.leave(&left.session, None, self.desk.now);
        let showing = left.showing();
        let back = self.joins(&left.session.agent_id, &showing);
        self.joined(left.comes_back(back.session), showing);
    }

    /// `false`: there was nothing to read.
    fn reads(&mut self, who: usize, acknowledges: bool) -> bool {
        let client = &mut self.clients[who];
        match client.reads(&self.desk.agents, self.desk.now) {
            Read::Nothing => return false,
            Read::Closed(code) => {
                assert_eq!(code, CloseCode::Slow);
                self.comes_back(who);
            }
            Read::Frame(frame) if acknowledges && frame["version"].is_u64() => {
                let ((agent_id, call_id), version) = (client.call_of(&frame), frame["version"].as_u64().unwrap());
                let key = CallKey { agent_id: agent_id.into(), call_id: call_id.into() };
                self.desk.agents.acknowledge(&client.session, &key, version, (Stage::Received, None), self.desk.now);
            }
            Read::Frame(_) => {}
        }
        true
    }

    /// Everything that is under way comes to its end, and what was not heard of by then does not exist.
    fn settles(&mut self) {
        // Whoever was too slow is back after the first time.
        for _ in 0..2 {
            self.desk.waits(10);
            self.finishes();
        }
    }

    fn finishes(&mut self) {
        loop {
            while !self.looking_up.is_empty() {
                self.looked_up(0);
                // Slow readers have read on meanwhile.
                (0..self.clients.len()).for_each(|who| _ = self.reads(who, true));
            }
            let mut read = false;
            for who in 0..self.clients.len() {
                while self.reads(who, true) {
                    read = true;
                }
            }
            if !read && self.looking_up.is_empty() {
                return;
            }
        }
    }

    fn shows_what_the_log_says(&self) {
        for client in &self.clients {
            let own = client.session.agent_id.as_str();
            let sees: &[&str] = if own == SUPERVISOR { &AGENTS } else { std::slice::from_ref(&own) };
            for (agent_id, call_id) in sees.iter().flat_map(|agent_id| CALLS.map(|call_id| (*agent_id, call_id))) {
                let key = key(agent_id, call_id);
                let seen = client.screen.get(&(agent_id.to_owned(), call_id.to_owned()));
                let inner = self.desk.agents.inner.lock().unwrap();
                if !inner.calls.is_open(&key) {
                    assert!(seen.is_none_or(|seen| seen.ended), "{own} shows {key:?} as open");
                    continue;
                }
                let call = serde_json::to_value(&inner.calls.visible(&key, self.desk.now).unwrap().call).unwrap();
                drop(inner);
                let seen = seen.unwrap_or_else(|| panic!("{own} does not show {key:?}"));
                assert!(!seen.ended, "{own} shows {key:?} as over");
                assert_eq!(without_names(&seen.call), without_names(&call), "{own} shows {key:?} as it was");
                assert_eq!(seen.shows.len(), self.interactions(&key), "{own} lacks interactions of {key:?}");
            }
        }
    }
}

/// A campaign's name that an older event brings late is told with the next frame, and by itself makes none.
fn without_names(call: &serde_json::Value) -> serde_json::Value {
    let mut call = call.clone();
    if let Some(campaign) = call["campaign"].as_object_mut() {
        campaign.remove("name");
    }
    call
}

/// What every agent is on in the end, from the events alone.
fn state_after(events: &[Told]) -> Vec<serde_json::Value> {
    let desk = Desk::new();
    for told in events {
        desk.agents.hear(call_of(*told), desk.now, desk.now);
    }
    let visible = AGENTS.iter().flat_map(|agent_id| {
        let calls = desk.agents.calls_of(agent_id, desk.now);
        calls.into_iter().map(|seen| serde_json::to_value(&seen.call).unwrap()).collect::<Vec<_>>()
    });
    let mut visible: Vec<_> = visible.collect();
    visible.sort_by_key(ToString::to_string);
    visible
}

/// Half of the plays have limits that push calls out.
fn limits() -> impl Strategy<Value = CallLimits> {
    (any::<bool>(), 1..4usize, 1..3usize, 3..7usize).prop_map(
        |(many, agents_per_call_max, open_per_agent_max, known_max)| {
            let all = CallLimits::of_tests(1000);
            if many { all } else { CallLimits { agents_per_call_max, open_per_agent_max, known_max, ..all } }
        },
    )
}

/// Thousands, within seconds.
fn config() -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    ProptestConfig { cases: config.cases.max(4000), ..config }
}

proptest! {
    #![proptest_config(config())]

    /// Which event decides does not depend on the order in which they arrive, nor on how often.
    #[test]
    fn any_order_and_repetition_of_events_leads_to_the_same_calls(
        events in prop::collection::vec(told(), 1..10),
        order in prop::collection::vec(any::<prop::sample::Index>(), 20),
    ) {
        let mut shuffled = events.clone();
        for (nth, with) in order.iter().enumerate() {
            let len = shuffled.len();
            shuffled.swap(nth % len, with.index(len));
        }
        shuffled.extend(order.iter().take(5).map(|nth| events[nth.index(events.len())]));
        prop_assert_eq!(state_after(&shuffled), state_after(&events));
    }

    /// An agent is told everything there is to show and nothing that is over, however sessions come, go, and read.
    #[test]
    fn every_screen_shows_in_the_end_what_the_log_says(
        steps in prop::collection::vec(step(), 1..80),
        outbox_frames_max in 8..14usize,
        limits in limits(),
    ) {
        let mut play = Play::new(outbox_frames_max, limits);
        for step in steps {
            play.takes(step);
        }
        play.settles();
        play.shows_what_the_log_says();
    }
}
