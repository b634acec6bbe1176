//! Rules about one session's frames in their order: versions grow, and what a node has shown to know it does not forget. Pure.

use std::collections::HashMap;

use serde_json::Value;

use super::ledger::{Key, Ledger};
use super::screen::{call_id, version};
use super::{Desk, Event, State};

/// Where the records of one agent were read to, at least: by partition. Each frame proves that the event it tells of was heard,
/// and with it all events that stand before it in its partition.
#[derive(Default)]
struct Heard(HashMap<i32, i64>);

impl Heard {
    fn has(&self, event: &Event) -> bool {
        self.0.get(&event.partition).is_some_and(|offset| event.offset <= *offset)
    }

    fn proves(&mut self, event: &Event) {
        let offset = self.0.entry(event.partition).or_insert(event.offset);
        *offset = (*offset).max(event.offset);
    }
}

/// What was read of one session so far.
#[derive(Default)]
pub struct Session {
    heard: Heard,
    /// The newest frame of each call, and each one that came before.
    newest: HashMap<String, u64>,
    frames: Vec<Value>,
}

/// What is to be said of a frame by its place in the session.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    Next,
    /// Sent a second time, to the letter: for whoever did not acknowledge it.
    Repeated,
    /// Older than what was sent before, or as old and different.
    VersionWentBack,
}

impl Session {
    pub fn place(&mut self, frame: &Value) -> Place {
        let newest = self.newest.entry(call_id(frame).to_owned()).or_default();
        let grows = version(frame) > *newest;
        let place = match grows {
            true => Place::Next,
            false if self.frames.contains(frame) => Place::Repeated,
            false => Place::VersionWentBack,
        };
        *newest = (*newest).max(version(frame));
        self.frames.push(frame.clone());
        place
    }

    /// What is wrong with the state that a frame tells: nobody published it, or a later one was known to the node already.
    pub fn disorder(&mut self, desk: &Desk, frame: &Value, ledger: &Ledger) -> Option<String> {
        let key = (desk.agent_id.clone(), call_id(frame).to_owned());
        let Some(told) = told(frame) else { return self.end(&key, frame, ledger) };
        let of_call: Vec<&Event> = ledger.events_of(&key).collect();
        let same = of_call.iter().filter(|event| (event.state.name(), written(event)) == (told.0, told.1.to_owned()));
        let Some(event) = same.min_by_key(|event| event.offset) else {
            return Some(format!("{} of {} at {} was never published to {}", told.0, key.1, told.1, key.0));
        };
        let later = of_call.iter().find(|other| other.rank() > event.rank() && self.heard.has(other));
        let disorder = later.map(|later| {
            format!("{} is told {} of {} after its node had heard {}", key.0, told.0, key.1, later.state.name())
        });
        self.heard.proves(event);
        disorder
    }

    fn end(&mut self, key: &Key, frame: &Value, ledger: &Ledger) -> Option<String> {
        if frame["type"] != "ended" || (frame["reason"] != "ended" && frame["reason"] != "retracted") {
            return None;
        }
        let ends = ledger.events_of(key).filter(|event| event.state == State::Ended);
        match ends.min_by_key(|event| event.offset) {
            Some(event) => {
                self.heard.proves(event);
                None
            }
            None => Some(format!("{} is told that {} ended, and nobody published that", key.0, key.1)),
        }
    }
}

/// State and time of the call, as a frame tells them.
fn told(frame: &Value) -> Option<(&str, &str)> {
    Some((frame["call"]["state"].as_str()?, frame["call"]["at"].as_str()?))
}

/// As the service writes times.
fn written(event: &Event) -> String {
    serde_json::to_value(event.at).ok().and_then(|at| at.as_str().map(str::to_owned)).unwrap_or_default()
}
