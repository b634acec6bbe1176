//! Frames of clients: each is one of those that there are, or refused with a code and a sentence that hold nothing of it.
#![no_main]

use backstory::push::{BadFrame, ClientFrame};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    // The line hands over nothing else.
    let Ok(text) = str::from_utf8(data) else { return };
    let json: Result<Value, _> = serde_json::from_str(text);
    match ClientFrame::decode(text) {
        Ok(frame) => {
            let Ok(json) = json else { unreachable!("{frame:?} was read from what is no JSON") };
            assert!(json.get("type").is_some_and(Value::is_string), "it has no type");
            assert_eq!(ClientFrame::decode(&json.to_string()), Ok(frame), "written otherwise it is another frame");
        }
        Err(BadFrame(code, sentence)) => {
            assert!(["bad_frame", "unknown_type", "not_json"].contains(&code), "{code} is no code");
            assert!(sentence.ends_with('.'));
            assert!(code != "not_json" || json.is_err(), "JSON is called none");
        }
    }
});
