//! The fields of our records by their dotted names, as the columns of a CSV file and the rules of a mapping name them.

use serde_json::{Map, Number, Value};

use super::Reason;
use super::files::Kind;
use crate::journey::{Direction, Source};
use crate::record::Refusal;

/// What a text becomes in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    Text,
    /// Text in JSON too (RFC 3339).
    Time,
    Number,
    Truth,
}

/// One field of a kind of record.
#[derive(Debug)]
pub struct Field {
    /// `addresses.0.mode` stands for any place in the list.
    pub name: &'static str,
    pub becomes: Becomes,
    /// Whether every record must have it.
    pub required: bool,
    /// What it must be one of; empty where it is data.
    pub choices: &'static [&'static str],
}

const fn field(name: &'static str, becomes: Becomes) -> Field {
    Field { name, becomes, required: false, choices: &[] }
}

const fn required(name: &'static str, becomes: Becomes) -> Field {
    Field { name, becomes, required: true, choices: &[] }
}

const INTERACTION: &[Field] = &[
    required("interactionId", Becomes::Text),
    Field { choices: Source::NAMES, ..required("source", Becomes::Text) },
    field("contactId", Becomes::Text),
    required("address", Becomes::Text),
    field("campaign.id", Becomes::Text),
    field("campaign.name", Becomes::Text),
    required("channel", Becomes::Text),
    field("mode", Becomes::Text),
    Field { choices: Direction::NAMES, ..field("direction", Becomes::Text) },
    required("startedAt", Becomes::Time),
    field("endedAt", Becomes::Time),
    field("outcome.code", Becomes::Text),
    field("outcome.label", Becomes::Text),
    Field { choices: &["success", "failure", "neutral"], ..field("outcome.class", Becomes::Text) },
    field("outcome.parent", Becomes::Text),
    field("outcome.telephony", Becomes::Text),
    field("outcome.reached", Becomes::Truth),
    field("previousScore", Becomes::Number),
    field("currentScore", Becomes::Number),
    field("agent.id", Becomes::Text),
    field("agent.name", Becomes::Text),
    field("comments", Becomes::Text),
    field("updatedAt", Becomes::Time),
];
const CONTACT: &[Field] = &[
    required("contactId", Becomes::Text),
    field("name", Becomes::Text),
    field("timeZone", Becomes::Text),
    field("addresses.0.mode", Becomes::Text),
    field("addresses.0.address", Becomes::Text),
    field("campaign.id", Becomes::Text),
    field("campaign.name", Becomes::Text),
    field("listedAt", Becomes::Time),
    field("mergedInto", Becomes::Text),
    field("updatedAt", Becomes::Time),
];
/// What the rest of its group needs.
pub const GROUP_KEYS: &[&str] = &["campaign.id", "outcome.code", "agent.id"];
const ADDRESS_PLACES_MAX: usize = 100;

/// Those of a kind, in the order of its schema.
pub fn of(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Interactions => INTERACTION,
        Kind::Contacts => CONTACT,
    }
}

/// The field of this name, and its path in a record. A contact's one address may be called plainly `address` and `mode`.
pub fn find(kind: Kind, name: &str) -> Option<(&'static Field, Vec<String>)> {
    let full = match (kind, name) {
        (Kind::Contacts, "address" | "mode") => format!("addresses.0.{name}"),
        _ => name.to_owned(),
    };
    let path: Vec<String> = full.split('.').map(str::to_owned).collect();
    let place = |part: &str| part.parse::<usize>().is_ok_and(|place| place < ADDRESS_PLACES_MAX);
    let generic: Vec<&str> = path.iter().map(|part| if place(part) { "0" } else { part.as_str() }).collect();
    let generic = generic.join(".");
    of(kind).iter().find(|field| field.name == generic).map(|field| (field, path))
}

/// A text in JSON. What does not fit stays text, so that the record is refused for its type and not for its absence.
pub fn json(text: &str, becomes: Becomes) -> Value {
    let fits = match becomes {
        Becomes::Text | Becomes::Time => None,
        Becomes::Number => text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number),
        Becomes::Truth => text.to_ascii_lowercase().parse().ok().map(Value::Bool),
    };
    fits.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// A record that fields are put into, one by one.
#[derive(Debug, Default)]
pub struct Record(Map<String, Value>);

impl Record {
    pub fn put(&mut self, path: &[String], value: Value) {
        let Some((first, rest)) = path.split_first() else { return };
        let mut into = self.0.entry(first).or_insert(Value::Null);
        for part in rest {
            into = match part.parse::<usize>() {
                Ok(place) => {
                    if into.is_null() {
                        *into = Value::Array(Vec::new());
                    }
                    let Value::Array(list) = into else { return };
                    list.resize(list.len().max(place + 1), Value::Null);
                    &mut list[place]
                }
                Err(_) => {
                    if into.is_null() {
                        *into = Value::Object(Map::new());
                    }
                    let Value::Object(object) = into else { return };
                    object.entry(part).or_insert(Value::Null)
                }
            };
        }
        *into = value;
    }

    /// The JSON. Where a contact's address is an empty cell there is none, whatever its mode; what belongs to an id needs it.
    pub fn finish(mut self) -> Result<Vec<u8>, Reason> {
        if let Some(addresses) = self.0.get_mut("addresses").and_then(Value::as_array_mut) {
            addresses.retain(|address| address.get("address").is_some());
        }
        for key in GROUP_KEYS {
            let (group, id) = key.split_once('.').unwrap_or_default();
            if self.0.get(group).is_some_and(|group| group.get(id).is_none()) {
                return Err(Reason::Record(Refusal::Missing(key)));
            }
        }
        Ok(Value::Object(self.0).to_string().into_bytes())
    }
}

/// The header of a CSV file whose columns have our fields' names.
#[derive(Debug)]
pub struct Header {
    pub kind: Kind,
    /// Columns that nobody knows.
    pub unused: Vec<String>,
    /// Where each column's cells go; `None` where they are not used.
    columns: Vec<Option<(&'static Field, Vec<String>)>>,
}

impl Header {
    /// `kind` overrides what the column names say.
    pub fn read(names: &[String], kind: Option<Kind>) -> Result<Self, Reason> {
        let has = |name: &str| names.iter().any(|known| known == name);
        let told =
            if has("interactionId") { Some(Kind::Interactions) } else { has("contactId").then_some(Kind::Contacts) };
        let kind = kind.or(told).ok_or(Reason::HeaderOfNothing)?;
        let columns: Vec<_> = names.iter().map(|name| find(kind, name)).collect();
        let mut paths: Vec<_> = columns.iter().flatten().map(|(_, path)| path).collect();
        paths.sort();
        if paths.windows(2).any(|two| two[0] == two[1]) {
            return Err(Reason::HeaderTwice);
        }
        let unused = names.iter().zip(&columns).filter(|(_, column)| column.is_none());
        Ok(Self { kind, unused: unused.map(|(name, _)| name.clone()).collect(), columns })
    }

    /// A record as JSON; empty cells are absent fields.
    pub fn record(&self, cells: &[&str]) -> Result<Vec<u8>, Reason> {
        let mut record = Record::default();
        for (column, cell) in self.columns.iter().zip(cells) {
            let cell = cell.trim();
            if let Some((field, path)) = column
                && !cell.is_empty()
            {
                record.put(path, json(cell, field.becomes));
            }
        }
        record.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn header(names: &[&str]) -> Result<Header, Reason> {
        Header::read(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), None)
    }

    fn record(header: &Header, cells: &[&str]) -> Value {
        serde_json::from_slice(&header.record(cells).unwrap()).unwrap()
    }

    #[test]
    fn dotted_columns_become_fields_of_fields_and_empty_cells_nothing() {
        let header =
            header(&["interactionId", "outcome.code", "outcome.reached", "currentScore", "comments", "colour"])
                .unwrap();
        assert_eq!((header.kind, header.unused.as_slice()), (Kind::Interactions, &["colour".to_owned()][..]));
        assert_eq!(
            record(&header, &["i-1", "NI", "TRUE", " 4.5 ", "", "red"]),
            json!({ "interactionId": "i-1", "outcome": { "code": "NI", "reached": true }, "currentScore": 4.5 })
        );
    }

    #[test]
    fn a_contact_may_have_one_plain_address_or_many_numbered_ones() {
        let plain = header(&["contactId", "address", "mode"]).unwrap();
        let expected = json!({ "contactId": "c", "addresses": [{ "address": "+1", "mode": "home" }] });
        assert_eq!(record(&plain, &["c", "+1", "home"]), expected);
        let many = header(&["contactId", "addresses.0.address", "addresses.1.address", "addresses.1.mode"]).unwrap();
        let expected = json!({ "contactId": "c", "addresses": [{ "address": "+2", "mode": "work" }] });
        assert_eq!(record(&many, &["c", "", "+2", "work"]), expected);
        let expected = json!({ "contactId": "c", "addresses": [{ "address": "+1" }] });
        assert_eq!(record(&many, &["c", "+1", "", "work"]), expected, "a mode of nothing");
    }

    #[test]
    fn a_cell_of_the_wrong_type_stays_text_to_be_refused_by_name() {
        let header = header(&["interactionId", "currentScore"]).unwrap();
        assert_eq!(record(&header, &["i", "5,5"])["currentScore"], json!("5,5"));
    }

    #[test]
    fn a_name_without_its_id_is_refused_by_the_id() {
        let header = header(&["interactionId", "agent.id", "agent.name"]).unwrap();
        assert_eq!(header.record(&["i", "", "Ana"]).unwrap_err(), Reason::Record(Refusal::Missing("agent.id")));
    }

    #[test]
    fn a_header_that_names_nothing_or_one_thing_twice_is_refused() {
        assert_eq!(header(&["CALL_ID", "PHONE"]).unwrap_err(), Reason::HeaderOfNothing);
        assert_eq!(header(&["contactId", "address", "addresses.0.address"]).unwrap_err(), Reason::HeaderTwice);
    }
}
