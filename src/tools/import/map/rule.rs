//! One rule of a mapping: what a field of our record is made of, and how.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::SecondsFormat;
use serde_json::Value;

use super::time::{Clocks, Times, duration};
use crate::record::Refusal;
use crate::tools::import::fields::{self, Becomes, Field};
use crate::tools::import::{Reason, Remark};

/// The entry of a value map for what has none of its own.
pub const ANY_OTHER: &str = "*";

/// A source field of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    Absent,
    Text(Cow<'a, str>),
    /// An object or a list: no value by itself.
    NotPlain,
}

#[derive(Debug)]
pub struct Rule {
    pub field: &'static Field,
    /// Where it goes in the record.
    pub path: Vec<String>,
    pub origin: Origin,
}

#[derive(Debug)]
pub enum Origin {
    Constant(Value),
    Made(Made),
}

/// Made of source fields: joined, then looked up, then read.
#[derive(Debug)]
pub struct Made {
    /// Places of the source fields.
    pub from: Vec<usize>,
    pub join: String,
    pub values: Option<HashMap<String, Value>>,
    pub reading: Reading,
}

/// How the text is read.
#[derive(Debug)]
pub enum Reading {
    Plain,
    Number {
        comma: bool,
    },
    Time {
        times: Times,
        /// Place of a duration that is added.
        plus: Option<usize>,
        comma: bool,
    },
}

impl Rule {
    /// The field's value; `None` where there is nothing to say.
    pub fn value(&self, cells: &[Cell<'_>], remarks: &mut Vec<Remark>) -> Result<Option<Value>, Reason> {
        let made = match &self.origin {
            Origin::Constant(value) => return Ok(Some(value.clone())),
            Origin::Made(made) => made,
        };
        let text = self.joined(made, cells)?;
        let text = match made.values.as_ref().and_then(|values| values.get(&*text)) {
            Some(Value::String(mapped)) => Cow::Borrowed(mapped.as_str()),
            Some(value) => return Ok(Some(value.clone())),
            None if text.is_empty() => text,
            None => match made.values.as_ref().map(|values| values.get(ANY_OTHER)) {
                Some(Some(Value::String(other))) => Cow::Borrowed(other.as_str()),
                Some(Some(other)) => return Ok(Some(other.clone())),
                Some(None) => {
                    remarks.push(Remark::NoEntry(self.field.name));
                    text
                }
                None => text,
            },
        };
        if text.is_empty() {
            return Ok(None);
        }
        self.read(&text, &made.reading, cells, remarks)
    }

    fn joined<'a>(&self, made: &Made, cells: &'a [Cell<'_>]) -> Result<Cow<'a, str>, Reason> {
        let mut joined = Cow::Borrowed("");
        for &place in &made.from {
            let part = self.text(&cells[place])?;
            if joined.is_empty() {
                joined = Cow::Borrowed(part);
            } else if !part.is_empty() {
                joined = Cow::Owned([&joined, made.join.as_str(), part].concat());
            }
        }
        Ok(joined)
    }

    fn text<'a>(&self, cell: &'a Cell<'_>) -> Result<&'a str, Reason> {
        match cell {
            Cell::Absent => Ok(""),
            Cell::Text(text) => Ok(text.trim()),
            Cell::NotPlain => Err(Reason::Record(Refusal::WrongType(self.field.name))),
        }
    }

    fn read(
        &self,
        text: &str,
        reading: &Reading,
        cells: &[Cell<'_>],
        remarks: &mut Vec<Remark>,
    ) -> Result<Option<Value>, Reason> {
        let name = self.field.name;
        match reading {
            Reading::Plain => match fields::json(text, self.field.becomes) {
                // The record would be refused for it, too, without saying which field it is.
                Value::String(_) if self.field.becomes == Becomes::Truth => {
                    Err(Reason::Record(Refusal::WrongType(name)))
                }
                value => Ok(Some(value)),
            },
            Reading::Number { comma } => Ok(Some(match decimal(text, *comma) {
                Some(number) => fields::json(&number, Becomes::Number),
                None => Value::from(text),
            })),
            Reading::Time { times, plus, comma } => {
                let (mut time, clocks) = times.read(text).ok_or(Reason::Time(name))?;
                if let Some(place) = plus {
                    let lasted = self.text(&cells[*place])?;
                    if lasted.is_empty() {
                        return Ok(None);
                    }
                    let lasted = decimal(lasted, *comma).and_then(|lasted| duration(&lasted));
                    let end = lasted.and_then(|lasted| time.checked_add_signed(lasted));
                    time = end.ok_or(Reason::Duration(name))?;
                }
                match clocks {
                    Clocks::Ran => {}
                    Clocks::Repeated => remarks.push(Remark::Repeated(name)),
                    Clocks::Skipped => remarks.push(Remark::Skipped(name)),
                }
                Ok(Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()))
            }
        }
    }
}

/// With a point for the decimals. `None` for a point where a comma is meant: it may stand for thousands, nobody knows.
fn decimal(text: &str, comma: bool) -> Option<Cow<'_, str>> {
    match comma {
        true if text.contains('.') => None,
        true => Some(text.replace(',', ".").into()),
        false => Some(text.into()),
    }
}
