//! A client as `docs/protocol.md` asks for one: it drops what is not newer, and applies differences.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;

pub struct Client {
    pub session: Arc<Session>,
    /// By agent and call.
    pub screen: BTreeMap<(String, String), OnScreen>,
    /// Every frame of a call by its version: one that comes again must be the same.
    told: BTreeMap<(String, String), BTreeMap<u64, String>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OnScreen {
    version: u64,
    digest: Option<String>,
    pub call: Value,
    pub ended: bool,
    /// Ids of the interactions of its timeline.
    pub shows: BTreeSet<String>,
}

#[derive(Debug)]
pub enum Read {
    Frame(Value),
    Nothing,
    Closed(CloseCode),
}

impl Client {
    pub fn of(session: Arc<Session>) -> Self {
        Self { session, screen: BTreeMap::new(), told: BTreeMap::new() }
    }

    /// Where it was before, it was shown this call.
    pub fn that_shows(mut self, agent_id: &str, call_id: &str) -> Self {
        let seen = OnScreen { version: 0, digest: None, call: Value::Null, ended: false, shows: BTreeSet::new() };
        self.screen.insert((agent_id.to_owned(), call_id.to_owned()), seen);
        self
    }

    /// The next frame, if there is one: written, and read by the client.
    pub fn reads(&mut self, agents: &Agents, now: DateTime<Utc>) -> Read {
        let queued = match self.session.outbox.try_next() {
            None => return Read::Nothing,
            Some(Err(code)) => return Read::Closed(code),
            Some(Ok(queued)) => queued,
        };
        agents.written(&self.session, queued.about.as_ref(), queued.frame.len(), now);
        let text = String::from_utf8(queued.frame.to_vec()).unwrap();
        let frame: Value = serde_json::from_str(&text).unwrap();
        self.apply(&frame, text);
        Read::Frame(frame)
    }

    pub fn reads_texts(&mut self, agents: &Agents, now: DateTime<Utc>) -> Vec<String> {
        let mut texts = Vec::new();
        while let Read::Frame(frame) = self.reads(agents, now) {
            texts.push(frame.to_string());
        }
        texts
    }

    /// Type and version of all that waits.
    pub fn reads_all(&mut self, agents: &Agents, now: DateTime<Utc>) -> Vec<String> {
        let mut all = Vec::new();
        while let Read::Frame(frame) = self.reads(agents, now) {
            all.push(format!("{} {}", frame["type"].as_str().unwrap(), frame["version"]));
        }
        all
    }

    /// Whose call the frame is of.
    pub fn call_of(&self, frame: &Value) -> (String, String) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let of = if frame["call"].is_object() && frame["type"] == "pop" { &frame["call"] } else { frame };
        let agent_id = text(&of["agentId"]).unwrap_or_else(|| self.session.agent_id.clone());
        (agent_id, text(&of["callId"]).unwrap())
    }

    fn apply(&mut self, frame: &Value, text: String) {
        if frame["version"].is_null() {
            return;
        }
        let (of, version) = (self.call_of(frame), frame["version"].as_u64().unwrap());
        let told = self.told.entry(of.clone()).or_default();
        if told.last_key_value().is_some_and(|(last, _)| *last >= version) {
            assert_eq!(told.get(&version), Some(&text), "an earlier version that is not what it was");
            return;
        }
        told.insert(version, text);
        let digest = frame["digest"].as_str().map(str::to_owned);
        let ids = |list: &Value| -> BTreeSet<String> {
            list.as_array().into_iter().flatten().map(|one| one["interactionId"].as_str().unwrap().to_owned()).collect()
        };
        let all = |timeline: &Value| -> BTreeSet<String> {
            timeline["days"].as_array().into_iter().flatten().flat_map(|day| ids(&day["interactions"])).collect()
        };
        match (frame["type"].as_str().unwrap(), self.screen.get_mut(&of)) {
            ("pop", _) => {
                let (call, ended) = (frame["call"].clone(), frame["call"]["state"] == "ended");
                let own = of.0 == self.session.agent_id;
                assert!(own || frame["announce"] == false, "nobody is called by a call of somebody else: {frame}");
                self.screen.insert(of, OnScreen { version, digest, call, ended, shows: all(&frame["timeline"]) });
            }
            // A call that is not on the screen is none of the client's business.
            (_, None) => {}
            ("update", Some(seen)) => {
                (seen.version, seen.digest) = (version, digest);
                if frame["call"].is_object() {
                    seen.call = frame["call"].clone();
                    seen.ended = frame["call"]["state"] == "ended";
                }
                if frame["timeline"].is_object() {
                    seen.shows = all(&frame["timeline"]);
                }
                seen.shows.extend(ids(&frame["interactions"]));
                let removed = frame["removed"].as_array().into_iter().flatten();
                removed.for_each(|id| _ = seen.shows.remove(id.as_str().unwrap()));
            }
            ("ended", Some(seen)) => {
                (seen.version, seen.ended) = (version, true);
                seen.digest = digest.or(seen.digest.take());
            }
            (other, _) => panic!("{other} with a version"),
        }
    }

    /// As `hello` or `subscribe` says it.
    pub fn showing(&self) -> Vec<Showing> {
        let showing = |((agent_id, call_id), seen): (&(String, String), &OnScreen)| Showing {
            call_id: call_id.into(),
            agent_id: (*agent_id != self.session.agent_id).then(|| agent_id.into()),
            digest: seen.digest.clone(),
            ended: seen.ended,
        };
        self.screen.iter().map(showing).collect()
    }

    /// Another session of the same client, with what is on the screen.
    pub fn comes_back(&self, session: Arc<Session>) -> Self {
        let mut back = Self::of(session);
        back.screen = self.screen.clone();
        back
    }
}
