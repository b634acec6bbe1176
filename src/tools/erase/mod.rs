//! `backstory erase`: forgets a person in every copy, and says what was removed where and what stays until when.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono::{DateTime, SubsecRound as _, Utc};

use super::Common;
use super::output::{counted, say};
use super::publish::Publisher;
use super::service::BrokersOf;
use super::stores::require_stores;
use crate::config::{Journey, JourneySource};
use crate::journey::erasure::Holdings;
use crate::journey::{Change, Erasure, LookUp, Source, Sources, Store, WriteBatch};
use crate::kafka::Brokers;
use crate::phone;

mod receipt;

use receipt::{Place, Receipt};

/// Forget a person: in the stores, in every other node's copy and on the topics
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Who is meant is a contact: by id, or by a number or e-mail address that leads to one. What goes is everything kept of the \
contact and of those it was merged with: interactions, listings, and the interactions of no known contact on addresses that \
nobody else has.

Without --yes it only says what would go. With it, the erasure is published (topic kafka.topics.erasures), so that every copy \
hears it; each interaction and listing is removed from its topic by a tombstone; the stores of these settings are emptied at once, \
and keep a hash that keeps out what is published or imported again from before now. At last it says what it could not reach, and \
until when that stays.")]
pub struct Args {
    /// A number, an e-mail address, or a contact's id
    #[arg(value_name = "NUMBER|CONTACT")]
    who: String,

    /// Take it for a contact's id, though it reads as a number
    #[arg(long)]
    contact: bool,

    /// Where several contacts have the number: all of them
    #[arg(long)]
    everyone: bool,

    /// Erase; without it, nothing is changed
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    brokers: BrokersOf,
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    let settings = common.settings_without_kafka()?;
    // Whatever is shown: what is kept of a source that is not shown now is kept, too.
    let journey = Journey { source: JourneySource::Both, ..settings.journey };
    require_stores(&journey)?;
    let sources = Sources::open(&journey)?;
    let stores: Vec<Store> = sources.stores().map(|(store, ..)| store.clone()).collect();
    for store in &stores {
        store.ready().await.with_context(|| store.describe())?;
    }
    let mut erasure = asked_for(&args, &journey, &stores).await?;
    let mut places = Vec::new();
    let mut all = Holdings::default();
    for store in stores {
        let holdings = store.holdings(erasure.clone()).await?;
        all.join(holdings.clone());
        places.push(Place { store, holdings });
    }
    erasure.contact_ids.extend(all.contact_ids.iter().cloned());
    erasure.addresses.extend(all.addresses.iter().cloned());
    for names in [&mut erasure.contact_ids, &mut erasure.addresses] {
        names.sort();
        names.dedup();
    }
    if !args.yes {
        say(&receipt::would_go(&erasure, &places));
        return Ok(ExitCode::FAILURE);
    }
    let brokers = args.brokers.find(common).await?;
    let published = publish(&brokers, &erasure, &all).await?;
    for place in &places {
        let change = Change::Erase(Box::new(erasure.clone()));
        let written = place.store.write(WriteBatch::of(vec![change])).await;
        written.with_context(|| {
            format!("{}: not erased here yet; a running service does it as it reads the topic", place.store.describe())
        })?;
        if !place.store.holdings(erasure.clone()).await?.is_empty() {
            bail!("{}: something was recorded at this moment; erase again", place.store.describe());
        }
    }
    let receipt = Receipt { erasure: &erasure, places: &places, published, tables: sources.tables() };
    say(&receipt.text(&brokers).await);
    Ok(ExitCode::SUCCESS)
}

/// The person, as far as the stores know who is behind a number.
async fn asked_for(args: &Args, settings: &Journey, stores: &[Store]) -> anyhow::Result<Erasure> {
    // As the stores keep times.
    let erased_at = Utc::now().trunc_subsecs(3);
    let erasure_id = format!("er-{:016x}", rand::random::<u64>());
    let mut erasure = Erasure { erasure_id, contact_ids: Vec::new(), addresses: Vec::new(), erased_at };
    let address = phone::address(&args.who, settings.default_region.0);
    let Some(address) = address.filter(|address| !args.contact && !phone::is_as_given(address)) else {
        erasure.contact_ids.push(args.who.clone());
        return Ok(erasure);
    };
    let mut contacts: Vec<(String, usize)> = Vec::new();
    for store in stores {
        let from = DateTime::UNIX_EPOCH;
        let journey = store.look_up(LookUp::whole(address.clone(), from, Source::ALL.to_vec())).await?;
        for contact in journey.contacts {
            let id = contact.contact_id;
            let interactions = journey.interactions.iter().filter(|one| one.contact_id.as_deref() == Some(&id)).count();
            match contacts.iter_mut().find(|(known, _)| *known == id) {
                Some((_, before)) => *before += interactions,
                None => contacts.push((id, interactions)),
            }
        }
    }
    if contacts.len() > 1 && !args.everyone {
        let each = contacts
            .iter()
            .map(|(id, interactions)| format!("\n  {id}  ({})", counted(*interactions as u64, "interaction")));
        bail!(
            "{} contacts have this number: name the one that is meant, or say --everyone{}",
            contacts.len(),
            each.collect::<String>()
        );
    }
    erasure.contact_ids.extend(contacts.into_iter().map(|(id, _)| id));
    erasure.addresses.push(address);
    Ok(erasure)
}

/// How many tombstones went out, to interactions and to contacts. The erasure goes first: whoever hears only that has heard all.
async fn publish(brokers: &Brokers, erasure: &Erasure, holdings: &Holdings) -> anyhow::Result<[u64; 2]> {
    let topics = brokers.topics();
    let record = serde_json::to_vec(erasure)?;
    Publisher::open(brokers, &topics.erasures)?.publish_and_wait(&erasure.erasure_id, &record).await?;
    let interactions = tombstones(brokers, &topics.interactions, holdings.interactions.iter().cloned()).await?;
    let keys = holdings.listings.iter().map(|(contact_id, campaign_id)| match campaign_id.as_str() {
        "" => contact_id.clone(),
        campaign_id => format!("{contact_id}/{campaign_id}"),
    });
    Ok([interactions, tombstones(brokers, &topics.contacts, keys).await?])
}

async fn tombstones(brokers: &Brokers, topic: &str, keys: impl Iterator<Item = String>) -> anyhow::Result<u64> {
    let mut publisher = Publisher::open_for_many(brokers, topic)?;
    for key in keys {
        publisher.publish_tombstone(&key).await?;
    }
    publisher.finish().await
}
