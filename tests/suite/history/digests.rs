//! A digest names a content: the same on every node and in every session, and another one for another content. Pure.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::screen::call_id;

/// What each session shows of each call, as far as it was sent whole, and which digest stood for which content.
#[derive(Default)]
pub struct Digests {
    shown: HashMap<(String, String), Option<Value>>,
    content_of: BTreeMap<String, String>,
    digest_of: BTreeMap<String, String>,
}

impl Digests {
    /// Contents that were seen.
    pub fn count(&self) -> usize {
        self.digest_of.len()
    }

    /// What is wrong with a frame's digest.
    pub fn differs(&mut self, session: &str, frame: &Value) -> Option<String> {
        let key = (session.to_owned(), call_id(frame).to_owned());
        let content = match frame["type"].as_str() {
            Some("pop") => {
                let missing = &frame["missing"]["code"];
                Some(json!({ "call": frame["call"], "timeline": content(&frame["timeline"]), "missing": missing }))
            }
            Some("update") => updated(self.shown.get(&key).cloned().flatten(), frame),
            // It tells neither the call as it is now nor a digest.
            _ => None,
        };
        let digest = frame["digest"].as_str().unwrap_or_default().to_owned();
        self.shown.insert(key, content.clone());
        // A session that came with a digest is told of a change before its content is known.
        let text = content.filter(|_| !digest.is_empty())?.to_string();
        let other_content = self.content_of.insert(digest.clone(), text.clone()).is_some_and(|other| other != text);
        let other_digest = self.digest_of.insert(text, digest.clone()).filter(|other| *other != digest);
        let call = call_id(frame);
        match other_digest {
            Some(other) => Some(format!("one content of {call} is called {other} and {digest}")),
            None => other_content.then(|| format!("{digest} of {call} names two contents")),
        }
    }
}

/// Of an update that says all there is to know; what it leaves as it was must have been known.
fn updated(before: Option<Value>, frame: &Value) -> Option<Value> {
    let in_parts = ["interactions", "removed", "contacts", "campaigns", "channels", "total", "matching"];
    if in_parts.iter().any(|part| !frame[part].is_null()) {
        return None;
    }
    let mut now = before?;
    if let (Some(fields), Some(call)) = (frame["call"].as_object(), now["call"].as_object_mut()) {
        call.extend(fields.clone());
    }
    if !frame["timeline"].is_null() {
        now["timeline"] = content(&frame["timeline"]);
        now["missing"] = Value::Null;
    }
    if !frame["missing"].is_null() {
        now["missing"] = frame["missing"]["code"].clone();
    }
    Some(now)
}

/// Of a timeline, what the digest is of: not the period, not as of when its sources are; but which of them it lacks.
fn content(timeline: &Value) -> Value {
    let mut content = timeline.clone();
    let lacks = |source: &&Value| !source["missing"].is_null();
    let sources = timeline["sources"].as_array().into_iter().flatten();
    let lacking: Vec<Value> = sources.filter(lacks).map(|source| source["source"].clone()).collect();
    if let Some(fields) = content.as_object_mut() {
        fields.remove("period");
        fields.insert("sources".into(), Value::Array(lacking));
    }
    content
}
