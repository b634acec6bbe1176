//! Tables that are somebody else's: read through two queries of the administrator's, written never.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use deadpool_postgres::Pool;
use rlibphonenumber::Region;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Statement};

use super::first_rows::first;
use super::{Limits, read, reader_pool, unreachable};
use crate::config;
use crate::journey::LookUp;
use crate::journey::permits;
use crate::journey::store::StoreError;
use crate::journey::{
    Agent, Campaign, Direction, Interaction, Journey, KnownContact, NoIds, Outcome, OutcomeClass, Source,
};
use crate::phone;

/// What an interaction is made of; a query names its columns so, or `columns` says how else.
pub const COLUMNS: &[&str] = &[
    "interaction_id",
    "contact_id",
    "address",
    "campaign_id",
    "campaign_name",
    "channel",
    "mode",
    "direction",
    "started_at",
    "ended_at",
    "outcome_code",
    "outcome_label",
    "outcome_class",
    "outcome_parent",
    "outcome_telephony",
    "outcome_reached",
    "previous_score",
    "current_score",
    "agent_id",
    "agent_name",
    "comments",
    "updated_at",
    "name",
    "time_zone",
];
const INTERACTION_NEEDS: &[&str] = &["interaction_id", "address", "channel", "started_at"];
const LISTING_NEEDS: &[&str] = &["contact_id"];

/// Two queries, and how their columns are called.
pub struct Tables {
    source: Source,
    /// As it may be shown: without the password.
    address: String,
    readers: Pool,
    interactions: Query,
    listings: Option<Query>,
    region: Region,
    no_ids: NoIds,
}

struct Query {
    /// The setting that holds it, for error texts.
    key: String,
    sql: String,
    needs: &'static [&'static str],
    /// Our column → theirs, where they differ.
    columns: BTreeMap<String, String>,
}

/// What a query gave for one number, column by column.
pub struct Sample {
    pub key: String,
    pub rows: usize,
    pub columns: Vec<SampleColumn>,
}

pub struct SampleColumn {
    pub name: String,
    pub has_type: String,
    /// The column of ours that it fills; `None` where it is not used.
    pub fills: Option<&'static str>,
    /// Of the first row, as text.
    pub first: Option<String>,
}

impl Tables {
    pub fn open(source: Source, settings: &config::Journey) -> Result<Self, StoreError> {
        let place = settings.sources.of(source);
        let table = format!("journey.sources.{}", source.name());
        let (Some(interactions), Some(config::StoreAddress::Postgres(url))) = (&place.interactions, &place.store)
        else {
            return Err(StoreError::Tables(format!("{table}: a query and the PostgreSQL to ask are needed")));
        };
        let lookups_max = permits::connections(settings.lookups_max);
        let limits = Limits { lookups_max, statement_timeout: *settings.statement_timeout };
        let query = |name: &str, sql: &String, needs| Query {
            key: format!("{table}.{name}"),
            sql: sql.clone(),
            needs,
            columns: place.columns.clone(),
        };
        let address = read(url)?;
        Ok(Self {
            source,
            readers: reader_pool(&address, limits)?,
            address: address.shown().to_owned(),
            interactions: query("interactions", interactions, INTERACTION_NEEDS),
            listings: place.listings.as_ref().map(|sql| query("listings", sql, LISTING_NEEDS)),
            region: place.default_region.unwrap_or(settings.default_region).0,
            no_ids: NoIds::with(&settings.no_ids),
        })
    }

    /// As it may be shown: without the password.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The journey that the tables tell: whom the number belongs to is what the queries say. At most `counted_max` rows of each are
    /// read, in the order in which they come.
    pub async fn look_up(&self, look_up: &LookUp) -> Result<Journey, StoreError> {
        let client = self.readers.get().await.map_err(unreachable)?;
        let most = look_up.limits.counted_max;
        let listings = async {
            let Some(query) = &self.listings else { return Ok((Vec::new(), false)) };
            let statement = client.prepare_cached(&query.sql).await?;
            let columns = query.read(&statement)?;
            let values: [&(dyn ToSql + Sync); 1] = [&look_up.number];
            let rows = client.query_raw(&statement, values).await?;
            first(rows, most, |row| columns.listing(row), |_| 0).await
        };
        let interactions = async {
            let statement = client.prepare_cached(&self.interactions.sql).await?;
            let columns = self.interactions.read(&statement)?;
            let values: [&(dyn ToSql + Sync); 2] = [&look_up.number, &look_up.from];
            let rows = client.query_raw(&statement, values).await?;
            let read = |row: &Row| columns.interaction(row, self.source, self.region);
            first(rows, most, read, Interaction::bytes).await
        };
        let ((listings, more_listings), (mut interactions, more)) = tokio::try_join!(listings, interactions)?;
        interactions.retain(|interaction| interaction.started_at >= look_up.from);
        // A placeholder is nobody's id.
        let is_id = |id: &str| !self.no_ids.has(id);
        interactions.iter_mut().for_each(|one| _ = one.contact_id.take_if(|id| !is_id(id)));
        let mut said: BTreeMap<String, Vec<KnownContact>> = BTreeMap::new();
        for listing in listings.into_iter().filter(|listing| is_id(&listing.contact_id)) {
            said.entry(listing.contact_id.clone()).or_default().push(listing);
        }
        for contact_id in interactions.iter().filter_map(|one| one.contact_id.as_deref()) {
            if !said.contains_key(contact_id) {
                said.insert(contact_id.to_owned(), Vec::new());
            }
        }
        let contacts = said.into_iter().map(|(contact_id, said)| {
            let mut contact = KnownContact::of(contact_id);
            contact.learn(said);
            contact
        });
        let mut journey = Journey {
            number: look_up.number.clone(),
            leads: vec![look_up.number.as_str().into()],
            contacts: contacts.collect(),
            interactions,
            at_least: more || more_listings,
            ..Journey::default()
        };
        journey.sort();
        journey.limit_contacts(look_up.limits.contacts_max);
        Ok(journey)
    }

    /// Runs both queries, for an administrator to see what comes back.
    pub async fn sample(&self, number: &str, from: DateTime<Utc>) -> Result<Vec<Sample>, StoreError> {
        let client = self.readers.get().await.map_err(unreachable)?;
        let mut samples = Vec::new();
        for (nth, query) in std::iter::once(&self.interactions).chain(&self.listings).enumerate() {
            let statement = client.prepare(&query.sql).await.map_err(|error| query.refused(&error))?;
            let columns = query.read(&statement)?;
            let rows = match nth {
                0 => client.query(&statement, &[&number, &from]).await,
                _ => client.query(&statement, &[&number]).await,
            };
            let rows = rows.map_err(|error| query.refused(&error))?;
            samples.push(Sample {
                key: query.key.clone(),
                rows: rows.len(),
                columns: columns.describe(&statement, rows.first()),
            });
        }
        Ok(samples)
    }
}

/// What may be read as what.
#[derive(Clone, Copy)]
enum Reads {
    Text,
    Time,
    Number,
    Truth,
}

impl Reads {
    fn of(column: &str) -> Self {
        match column {
            "started_at" | "ended_at" | "updated_at" => Self::Time,
            "previous_score" | "current_score" => Self::Number,
            "outcome_reached" => Self::Truth,
            _ => Self::Text,
        }
    }

    /// What to write in the query where the type is another.
    fn remedy(self, has: &Type) -> Option<&'static str> {
        let whole = [Type::INT2, Type::INT4, Type::INT8];
        let text = [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME];
        let fits = match self {
            Self::Text => text.contains(has) || whole.contains(has),
            Self::Time => *has == Type::TIMESTAMPTZ,
            Self::Number => whole.contains(has) || [Type::FLOAT4, Type::FLOAT8].contains(has),
            Self::Truth => *has == Type::BOOL,
        };
        if fits {
            return None;
        }
        Some(match self {
            Self::Text => "cast it: column::text",
            Self::Time if *has == Type::TIMESTAMP => "a time needs a zone: column AT TIME ZONE 'Europe/Lisbon'",
            Self::Time => "make it a timestamptz",
            Self::Number => "cast it: column::float8",
            Self::Truth => "cast it: column::boolean",
        })
    }
}

impl Query {
    /// Where each of our columns is in what the query gives; or what is wrong with it.
    fn read(&self, statement: &Statement) -> Result<Columns<'_>, StoreError> {
        let mut places = BTreeMap::new();
        for &column in COLUMNS {
            let theirs = self.columns.get(column).map_or(column, String::as_str);
            // The two queries may call one thing differently: ours will do where theirs is not given.
            let at = |name: &str| statement.columns().iter().position(|given| given.name() == name);
            let found = at(theirs).or_else(|| at(column));
            match found {
                Some(place) => {
                    let has = statement.columns()[place].type_();
                    if let Some(remedy) = Reads::of(column).remedy(has) {
                        let name = statement.columns()[place].name();
                        return Err(self.wrong(&format!("its column {name} is of type {has}: {remedy}")));
                    }
                    places.insert(column, place);
                }
                None if self.needs.contains(&column) => {
                    return Err(self.wrong(&format!("it gives no column {theirs}")));
                }
                None => {}
            }
        }
        Ok(Columns { query: self, places })
    }

    fn wrong(&self, what: &str) -> StoreError {
        StoreError::Tables(format!("{}: {what}", self.key))
    }

    fn refused(&self, error: &tokio_postgres::Error) -> StoreError {
        self.wrong(&super::reason(error))
    }
}

/// A query's columns, found.
struct Columns<'a> {
    query: &'a Query,
    places: BTreeMap<&'static str, usize>,
}

impl Columns<'_> {
    fn text(&self, row: &Row, column: &str) -> Result<Option<String>, StoreError> {
        let Some(&place) = self.places.get(column) else { return Ok(None) };
        let text = match *row.columns()[place].type_() {
            Type::INT2 => row.try_get::<_, Option<i16>>(place)?.map(|number| number.to_string()),
            Type::INT4 => row.try_get::<_, Option<i32>>(place)?.map(|number| number.to_string()),
            Type::INT8 => row.try_get::<_, Option<i64>>(place)?.map(|number| number.to_string()),
            _ => row.try_get::<_, Option<String>>(place)?,
        };
        Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    fn needed(&self, row: &Row, column: &'static str) -> Result<String, StoreError> {
        self.text(row, column)?.ok_or_else(|| self.query.wrong(&format!("a row without {column}")))
    }

    fn time(&self, row: &Row, column: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(self.places.get(column).map(|&place| row.try_get(place)).transpose()?.flatten())
    }

    fn number(&self, row: &Row, column: &str) -> Result<Option<f64>, StoreError> {
        let Some(&place) = self.places.get(column) else { return Ok(None) };
        Ok(match *row.columns()[place].type_() {
            Type::INT2 => row.try_get::<_, Option<i16>>(place)?.map(f64::from),
            Type::INT4 => row.try_get::<_, Option<i32>>(place)?.map(f64::from),
            Type::INT8 => row.try_get::<_, Option<i64>>(place)?.map(|number| number as f64),
            Type::FLOAT4 => row.try_get::<_, Option<f32>>(place)?.map(f64::from),
            _ => row.try_get(place)?,
        })
    }

    fn listing(&self, row: &Row) -> Result<KnownContact, StoreError> {
        let name = self.text(row, "campaign_name")?;
        let campaign = self.text(row, "campaign_id")?.map(|id| Campaign { id, name });
        Ok(KnownContact {
            name: self.text(row, "name")?,
            time_zone: self.text(row, "time_zone")?.filter(|name| name.parse::<chrono_tz::Tz>().is_ok()),
            listed: campaign.into_iter().collect(),
            ..KnownContact::of(self.needed(row, "contact_id")?)
        })
    }

    fn interaction(&self, row: &Row, source: Source, region: Region) -> Result<Interaction, StoreError> {
        let text = |column| self.text(row, column);
        let started_at = self.time(row, "started_at")?.ok_or_else(|| self.query.wrong("a row without started_at"))?;
        let address = self.needed(row, "address")?;
        let (campaign_name, agent_name) = (text("campaign_name")?, text("agent_name")?);
        let reached = self.places.get("outcome_reached").map(|&place| row.try_get(place)).transpose()?.flatten();
        let outcome = match text("outcome_code")? {
            None => None,
            Some(code) => Some(Arc::new(Outcome {
                code,
                label: text("outcome_label")?,
                class: text("outcome_class")?.as_deref().map(OutcomeClass::of_name),
                parent: text("outcome_parent")?,
                telephony: text("outcome_telephony")?,
                reached,
            })),
        };
        Ok(Interaction {
            interaction_id: self.needed(row, "interaction_id")?.into(),
            source,
            contact_id: text("contact_id")?.map(Into::into),
            address: phone::address(&address, region).unwrap_or(address).into(),
            campaign: text("campaign_id")?.map(|id| Arc::new(Campaign { id, name: campaign_name })),
            channel: self.needed(row, "channel")?.into(),
            mode: text("mode")?.map(Into::into),
            direction: text("direction")?.as_deref().and_then(Direction::of_name),
            started_at,
            ended_at: self.time(row, "ended_at")?,
            outcome,
            previous_score: self.number(row, "previous_score")?,
            current_score: self.number(row, "current_score")?,
            agent: text("agent_id")?.map(|id| Arc::new(Agent { id, name: agent_name })),
            comments: text("comments")?.map(Into::into),
            updated_at: self.time(row, "updated_at")?,
            is_light: false,
        })
    }

    fn describe(&self, statement: &Statement, first: Option<&Row>) -> Vec<SampleColumn> {
        let describe = |(place, column): (usize, &tokio_postgres::Column)| SampleColumn {
            name: column.name().to_owned(),
            has_type: column.type_().to_string(),
            fills: self.places.iter().find(|(_, at)| **at == place).map(|(ours, _)| *ours),
            first: first.and_then(|row| shown(row, place)),
        };
        statement.columns().iter().enumerate().map(describe).collect()
    }
}

/// A value as text; `None` for NULL, and for types that no column of ours reads.
fn shown(row: &Row, place: usize) -> Option<String> {
    match *row.columns()[place].type_() {
        Type::INT2 => row.try_get::<_, Option<i16>>(place).ok()?.map(|value| value.to_string()),
        Type::INT4 => row.try_get::<_, Option<i32>>(place).ok()?.map(|value| value.to_string()),
        Type::INT8 => row.try_get::<_, Option<i64>>(place).ok()?.map(|value| value.to_string()),
        Type::FLOAT4 => row.try_get::<_, Option<f32>>(place).ok()?.map(|value| value.to_string()),
        Type::FLOAT8 => row.try_get::<_, Option<f64>>(place).ok()?.map(|value| value.to_string()),
        Type::BOOL => row.try_get::<_, Option<bool>>(place).ok()?.map(|value| value.to_string()),
        Type::TIMESTAMPTZ => row.try_get::<_, Option<DateTime<Utc>>>(place).ok()?.map(|value| value.to_rfc3339()),
        Type::TIMESTAMP => row.try_get::<_, Option<NaiveDateTime>>(place).ok()?.map(|value| value.to_string()),
        _ => row.try_get::<_, Option<String>>(place).ok()?,
    }
}
