//! What an agent sees: the element's own rules (`widget/src/calls.ts`), said a second time. Pure.

use serde_json::{Value, json};

/// Ended calls stay for the wrap-up; a new one pushes the oldest of them out.
const ENDED_CALLS_MAX: usize = 5;

/// A call on the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct OnScreen {
    pub call_id: String,
    /// As the frames tell it.
    pub call: Value,
    /// Of this session; 0 until one of its frames was applied.
    pub version: u64,
    pub digest: String,
    pub over: bool,
}

/// What a frame did to the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A call that was not there, or was over.
    Shown,
    /// A pop of a call that was there and open.
    ShownAgain {
        same_content: bool,
    },
    Changed,
    Ended,
    /// Dropped: nothing newer, or of a call that is not there.
    Nothing,
}

/// Newest first.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    calls: Vec<OnScreen>,
}

pub fn call_id(frame: &Value) -> &str {
    frame["call"]["callId"].as_str().or(frame["callId"].as_str()).unwrap_or_default()
}

pub fn version(frame: &Value) -> u64 {
    frame["version"].as_u64().unwrap_or_default()
}

impl Screen {
    /// Versions count within one session.
    pub fn begin_session(&mut self) {
        self.calls.iter_mut().for_each(|call| call.version = 0);
    }

    /// What `hello` says to be shown already.
    pub fn showing(&self) -> Vec<Value> {
        let showing = self.calls.iter().map(|OnScreen { call_id, digest, over, .. }| {
            let shown = json!({ "callId": call_id, "digest": digest });
            if *over { json!({ "callId": call_id, "digest": digest, "ended": true }) } else { shown }
        });
        showing.collect()
    }

    pub fn open(&self) -> impl Iterator<Item = &OnScreen> {
        self.calls.iter().filter(|call| !call.over)
    }

    pub fn apply(&mut self, frame: &Value) -> Effect {
        let known = self.calls.iter_mut().find(|call| call.call_id == call_id(frame));
        if known.as_ref().is_some_and(|known| version(frame) <= known.version) {
            return Effect::Nothing;
        }
        let effect = match (frame["type"].as_str(), known) {
            (Some("pop"), _) => self.pop(frame),
            (Some("update"), Some(known)) => known.update(frame),
            (Some("ended"), Some(known)) => known.end(frame),
            _ => Effect::Nothing,
        };
        let mut ended = 0;
        self.calls.retain(|call| {
            ended += usize::from(call.over);
            !call.over || ended <= ENDED_CALLS_MAX
        });
        effect
    }

    fn pop(&mut self, frame: &Value) -> Effect {
        let popped = OnScreen {
            call_id: call_id(frame).to_owned(),
            call: frame["call"].clone(),
            version: version(frame),
            digest: frame["digest"].as_str().unwrap_or_default().to_owned(),
            over: frame["call"]["state"] == "ended",
        };
        let Some(nth) = self.calls.iter().position(|call| call.call_id == popped.call_id) else {
            self.calls.insert(0, popped);
            return Effect::Shown;
        };
        let before = &mut self.calls[nth];
        if before.over && !popped.over {
            self.calls.remove(nth);
            self.calls.insert(0, popped);
            return Effect::Shown;
        }
        let effect = match before.over {
            true => Effect::Changed,
            false => Effect::ShownAgain { same_content: before.digest == popped.digest },
        };
        *before = popped;
        effect
    }
}

impl OnScreen {
    fn take(&mut self, frame: &Value) {
        self.version = version(frame);
        if let Some(digest) = frame["digest"].as_str() {
            self.digest = digest.to_owned();
        }
    }

    fn update(&mut self, frame: &Value) -> Effect {
        self.take(frame);
        if let (Some(fields), Some(call)) = (frame["call"].as_object(), self.call.as_object_mut()) {
            call.extend(fields.clone());
            self.over = frame["call"]["state"] == "ended";
        }
        Effect::Changed
    }

    fn end(&mut self, frame: &Value) -> Effect {
        self.take(frame);
        self.over = true;
        Effect::Ended
    }
}
