//! A timeline as it goes out. Its interactions are nearly all of it, so they are written by code of ours, each once, and go as
//! they are into whatever frame carries them.

use std::borrow::Borrow;
use std::ops::Range;

use chrono::{DateTime, Utc};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use smol_str::SmolStr;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::timeline::{CampaignCount, ChannelCount, ContactSummary, Content, Day, Timeline};
use super::{Agent, Campaign, Interaction, Outcome, Source, rfc3339};

/// JSON that is written already.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a>(pub &'a str);

/// By what serde_json calls its own `RawValue`, which can be had of a text only by reading it once more.
impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const NAME: &str = "$serde_json::private::RawValue";
        let mut raw = serializer.serialize_struct(NAME, 1)?;
        raw.serialize_field(NAME, self.0)?;
        raw.end()
    }
}

/// A timeline's JSON, and what differences to another one are made of.
pub struct EncodedTimeline {
    json: String,
    /// Where in `json` that begins which makes two timelines the same to the one who reads them.
    content_at: usize,
    interactions: String,
    pub items: Vec<Item>,
    pub contacts: Vec<ContactSummary>,
    pub more_contacts: usize,
    pub campaigns: Vec<CampaignCount>,
    pub more_campaigns: usize,
    pub channels: Vec<ChannelCount>,
    pub more_channels: usize,
    pub total: usize,
    pub matching: usize,
    pub at_least: bool,
    /// Sources that had not answered.
    pub missing: Vec<Source>,
}

/// One interaction of a timeline.
pub struct Item {
    pub interaction_id: SmolStr,
    /// Tells versions of it apart.
    pub hash: u64,
    at: Range<usize>,
}

impl EncodedTimeline {
    pub fn of<I: Borrow<Interaction>>(timeline: Timeline<I>) -> serde_json::Result<Self> {
        let (interactions, items) = write_all(&timeline.content.days)?;
        let raw = |item: &Item| Raw(&interactions[item.at.clone()]);
        let mut raws = items.iter().map(raw);
        let day =
            |day: &Day<I>| Day { date: day.date, interactions: raws.by_ref().take(day.interactions.len()).collect() };
        let days: Vec<Day<Raw<'_>>> = timeline.content.days.iter().map(day).collect();
        let Timeline { period, sources, content } = timeline;
        let missing = sources.iter().filter(|state| state.missing.is_some()).map(|state| state.source).collect();
        let timeline = Timeline { period, sources, content: content.with(days) };
        let mut json = Vec::with_capacity(interactions.len() + 4096);
        serde_json::to_writer(&mut json, &timeline)?;
        let json = String::from_utf8(json).map_err(serde::ser::Error::custom)?;
        let content_at = timeline.head()?.len() - 1;
        let Content { contacts, more_contacts, campaigns, more_campaigns, channels, more_channels, .. } =
            timeline.content;
        let Content { total, matching, at_least, .. } = timeline.content;
        Ok(Self {
            json,
            content_at,
            interactions,
            items,
            contacts,
            more_contacts,
            campaigns,
            more_campaigns,
            channels,
            more_channels,
            total,
            matching,
            at_least,
            missing,
        })
    }

    pub fn json(&self) -> Raw<'_> {
        Raw(&self.json)
    }

    pub fn into_json(self) -> String {
        self.json
    }

    pub fn interaction(&self, item: &Item) -> Raw<'_> {
        Raw(&self.interactions[item.at.clone()])
    }

    /// Hash of what the agent sees. Whole, it is the same on every node; what lacks a source is another timeline.
    pub fn content_hash(&self) -> u64 {
        let lacks = self.missing.iter().fold(0, |lacks, source| lacks | 1 << *source as u64);
        xxh3_64_with_seed(&self.json.as_bytes()[self.content_at..], lacks)
    }
}

fn write_all<I: Borrow<Interaction>>(days: &[Day<I>]) -> serde_json::Result<(String, Vec<Item>)> {
    let count = days.iter().map(|day| day.interactions.len()).sum::<usize>();
    let (mut out, mut items) = (Vec::with_capacity(count * 640), Vec::with_capacity(count));
    for interaction in days.iter().flat_map(|day| &day.interactions).map(Borrow::borrow) {
        let from = out.len();
        write(interaction, &mut out)?;
        let (hash, at) = (xxh3_64(&out[from..]), from..out.len());
        items.push(Item { interaction_id: interaction.interaction_id.clone(), hash, at });
    }
    Ok((String::from_utf8(out).map_err(serde::ser::Error::custom)?, items))
}

/// As serde writes it, in a third of the time: names of fields need no escaping, and hardly any text does.
fn write(interaction: &Interaction, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let Interaction { interaction_id, source, contact_id, address, campaign, channel, mode, direction, .. } =
        interaction;
    let Interaction { started_at, ended_at, outcome, previous_score, current_score, .. } = interaction;
    let Interaction { agent, comments, updated_at, .. } = interaction;
    text("{\"interactionId\":", interaction_id, out)?;
    text(",\"source\":", source.name(), out)?;
    optional(",\"contactId\":", contact_id.as_deref(), out)?;
    text(",\"address\":", address, out)?;
    if let Some(Campaign { id, name }) = campaign.as_deref() {
        named(",\"campaign\":{\"id\":", id, name.as_deref(), out)?;
    }
    text(",\"channel\":", channel, out)?;
    optional(",\"mode\":", mode.as_deref(), out)?;
    optional(",\"direction\":", direction.map(|direction| direction.name()), out)?;
    time(",\"startedAt\":", Some(started_at), out)?;
    time(",\"endedAt\":", ended_at.as_ref(), out)?;
    if let Some(outcome) = outcome.as_deref() {
        write_outcome(outcome, out)?;
    }
    number(",\"previousScore\":", *previous_score, out)?;
    number(",\"currentScore\":", *current_score, out)?;
    if let Some(Agent { id, name }) = agent.as_deref() {
        named(",\"agent\":{\"id\":", id, name.as_deref(), out)?;
    }
    optional(",\"comments\":", comments.as_deref(), out)?;
    time(",\"updatedAt\":", updated_at.as_ref(), out)?;
    out.push(b'}');
    Ok(())
}

fn write_outcome(outcome: &Outcome, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let Outcome { code, label, class, parent, telephony, reached } = outcome;
    text(",\"outcome\":{\"code\":", code, out)?;
    optional(",\"label\":", label.as_deref(), out)?;
    optional(",\"class\":", class.map(|class| class.name()), out)?;
    optional(",\"parent\":", parent.as_deref(), out)?;
    optional(",\"telephony\":", telephony.as_deref(), out)?;
    if let Some(reached) = reached {
        out.extend_from_slice(if *reached { b",\"reached\":true" } else { b",\"reached\":false" });
    }
    out.push(b'}');
    Ok(())
}

fn named(before: &str, id: &str, name: Option<&str>, out: &mut Vec<u8>) -> serde_json::Result<()> {
    text(before, id, out)?;
    optional(",\"name\":", name, out)?;
    out.push(b'}');
    Ok(())
}

fn optional(before: &str, value: Option<&str>, out: &mut Vec<u8>) -> serde_json::Result<()> {
    value.map_or(Ok(()), |value| text(before, value, out))
}

fn text(before: &str, value: &str, out: &mut Vec<u8>) -> serde_json::Result<()> {
    out.extend_from_slice(before.as_bytes());
    // Without a way out early: so the whole text is looked at many bytes at a time.
    let plain = value.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'));
    if !plain {
        return serde_json::to_writer(out, value);
    }
    out.push(b'"');
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
    Ok(())
}

fn number(before: &str, value: Option<f64>, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let Some(value) = value else { return Ok(()) };
    out.extend_from_slice(before.as_bytes());
    serde_json::to_writer(out, &value)
}

fn time(before: &str, at: Option<&DateTime<Utc>>, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let Some(at) = at else { return Ok(()) };
    out.extend_from_slice(before.as_bytes());
    let mut digits = rfc3339::BLANK;
    let Some(written) = rfc3339::written(at, &mut digits) else { return serde_json::to_writer(out, at) };
    out.push(b'"');
    out.extend_from_slice(written);
    out.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interactions() -> Vec<Interaction> {
        let examples = [
            include_str!("../../schemas/examples/interaction.every-field.json"),
            include_str!("../../schemas/examples/interaction.required-fields.json"),
        ];
        let mut all: Vec<Interaction> = examples.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let strange = "a \"quoted\" \\ line\nwith\ttabs, \u{1}, \u{7f}, ü, 日本, 🙂 and more than twenty-three bytes";
        let every = serde_json::to_value(&all[0]).unwrap();
        for (name, value) in every.as_object().unwrap() {
            let mut without = every.clone();
            without.as_object_mut().unwrap().remove(name);
            all.extend(serde_json::from_value(without));
            if value.is_string() && !name.ends_with("At") && !["source", "direction"].contains(&name.as_str()) {
                let mut other = every.clone();
                other[name] = strange.into();
                all.push(serde_json::from_value(other).unwrap());
            }
        }
        for score in [0.0, -0.0, 1.5, 1e300, -5.25, f64::NAN] {
            all.push(Interaction { previous_score: Some(score), ..all[0].clone() });
        }
        for at in ["0001-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "2026-11-18T10:30:23.123456789Z"] {
            all.push(Interaction { ended_at: Some(at.parse().unwrap()), ..all[0].clone() });
        }
        all
    }

    #[test]
    fn an_interaction_is_written_as_serde_writes_it() {
        let all = interactions();
        assert!(all.len() > 20);
        for interaction in all {
            let mut ours = Vec::new();
            write(&interaction, &mut ours).unwrap();
            assert_eq!(String::from_utf8(ours).unwrap(), serde_json::to_string(&interaction).unwrap());
        }
    }

    #[test]
    fn what_is_written_already_goes_out_as_it_is() {
        let carried = serde_json::json!({ "a": 1 }).to_string();
        assert_eq!(serde_json::to_string(&[Raw(&carried), Raw("null")]).unwrap(), r#"[{"a":1},null]"#);
    }
}
