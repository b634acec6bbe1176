//! Tables of settings as dotted names with the texts that were typed.

use std::collections::BTreeMap;

use figment::value::{Dict, Num, Value};

/// Nested tables as dotted names; lists and plain values end a name.
pub fn flatten(prefix: &str, dict: &Dict, into: &mut BTreeMap<String, String>) {
    for (name, value) in dict {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Dict(_, inner) => flatten(&path, inner, into),
            Value::String(_, text) => _ = into.insert(path, text.clone()),
            Value::Bool(_, truth) => _ = into.insert(path, truth.to_string()),
            Value::Num(_, number) => _ = into.insert(path, number_text(*number)),
            _ => _ = into.insert(path, String::new()),
        }
    }
}

/// As it was typed; the environment's and the flags' numbers are unsigned, a file's are not.
pub fn number_text(number: Num) -> String {
    let whole = number.to_u128().map(|n| n.to_string()).or_else(|| number.to_i128().map(|n| n.to_string()));
    whole.or_else(|| number.to_f64().map(|n| n.to_string())).unwrap_or_default()
}
