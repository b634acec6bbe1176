//! Where imported records go: into the store of each one's source, to the topics, or on the screen.

use anyhow::{Context as _, bail};

use crate::config::{EMBEDDED, Journey, JourneySource, Settings};
use crate::journey::keep::{Sifted, keep};
use crate::journey::store::Written;
use crate::journey::{Change, Source, Sources, Store};
use crate::kafka::Brokers;
use crate::tools::output::{note, say};
use crate::tools::publish::Publisher;

/// Records that a dry run shows.
const SHOWN_MAX: usize = 5;
/// The in-process broker's clusters are named so.
const EMBEDDED_CLUSTER: &str = "mockCluster";

/// Where records go.
pub enum Sink {
    /// Each with the sources that it keeps.
    Stores(Vec<(Store, Vec<Source>)>),
    Topics {
        interactions: Publisher,
        contacts: Publisher,
    },
    /// On the screen, the first of them.
    Shown {
        left: usize,
    },
}

impl Sink {
    /// Where the recorders would put them, whatever agents are shown.
    pub async fn stores(settings: &Settings) -> anyhow::Result<Self> {
        let places = Sources::open(&Journey { source: JourneySource::Both, ..settings.journey.clone() })?;
        let mut stores = Vec::new();
        for (store, _, sources) in places.stores() {
            store.ready().await?;
            note(&format!("into {}", store.describe()));
            stores.push((store.clone(), sources.to_vec()));
        }
        if stores.is_empty() {
            bail!("both sources are read from tables of your own (journey.sources): there is no store to import into");
        }
        Ok(Self::Stores(stores))
    }

    pub fn shown() -> Self {
        Self::Shown { left: SHOWN_MAX }
    }

    /// Those whose interactions are taken.
    pub fn sources(&self) -> Vec<Source> {
        match self {
            Self::Stores(stores) => stores.iter().flat_map(|(_, sources)| sources).copied().collect(),
            Self::Topics { .. } | Self::Shown { .. } => Source::ALL.to_vec(),
        }
    }

    pub async fn topics(settings: &Settings) -> anyhow::Result<Self> {
        const REFUSED: &str = "the embedded broker is no place for a history: it keeps 5 MiB a partition and forgets what a slow \
                               reader has not read; import into the store (--to store), or use a Kafka cluster";
        if settings.kafka.brokers.as_deref() == Some(EMBEDDED) {
            bail!(REFUSED);
        }
        let addresses = settings.kafka.brokers.clone().unwrap_or_default();
        let brokers = Brokers::at(addresses, &settings.kafka);
        let asked = brokers.clone();
        let cluster = tokio::task::spawn_blocking(move || asked.cluster_id()).await?;
        let cluster = cluster.with_context(|| format!("the brokers at {} do not answer", brokers.addresses()))?;
        if cluster.starts_with(EMBEDDED_CLUSTER) {
            bail!(REFUSED);
        }
        Ok(Self::Topics {
            interactions: Publisher::open_for_many(&brokers, &brokers.topics().interactions)?,
            contacts: Publisher::open_for_many(&brokers, &brokers.topics().contacts)?,
        })
    }

    /// What became of the changes; those that a store refuses are named.
    pub async fn take(&mut self, changes: Vec<Change>) -> anyhow::Result<Sifted> {
        let written = match self {
            Self::Stores(stores) => {
                return match stores.as_slice() {
                    [(store, _)] => Ok(keep(store, changes).await?),
                    several => write(several, &changes).await,
                };
            }
            Self::Shown { left } => {
                for change in changes.iter().take(*left) {
                    match change {
                        Change::Interaction(interaction) => say(&serde_json::to_string_pretty(interaction)?),
                        Change::Contact(contact) => say(&serde_json::to_string_pretty(contact)?),
                        Change::RemoveInteraction(_) | Change::RemoveContact(_) | Change::Erase(_) => {}
                    }
                }
                *left = left.saturating_sub(changes.len());
                Written { changed: changes.len() as u64, ..Written::default() }
            }
            Self::Topics { interactions, contacts } => {
                let published = changes.len() as u64;
                for change in changes {
                    match change {
                        Change::Interaction(interaction) => {
                            let json = serde_json::to_vec(&interaction)?;
                            interactions.publish(Some(&interaction.interaction_id), &json).await?;
                        }
                        Change::Contact(contact) => {
                            contacts.publish(Some(&contact.key()), &serde_json::to_vec(&contact)?).await?;
                        }
                        // Files hold no removals and no erasures.
                        Change::RemoveInteraction(_) | Change::RemoveContact(_) | Change::Erase(_) => {}
                    }
                }
                Written { changed: published, ..Written::default() }
            }
        };
        Ok(written.into())
    }

    /// Waits until everything is kept.
    pub async fn finish(&mut self) -> anyhow::Result<()> {
        if let Self::Topics { interactions, contacts } = self {
            interactions.finish().await?;
            contacts.finish().await?;
        }
        if let Self::Stores(stores) = self {
            for (store, _) in stores {
                if let Store::Postgres(store) = store {
                    store.count_anew().await?;
                }
            }
        }
        Ok(())
    }

    pub fn verb(&self) -> &'static str {
        match self {
            Self::Stores(_) => "stored",
            Self::Topics { .. } => "published",
            Self::Shown { .. } => "would be stored",
        }
    }
}

/// Interactions into the store of their source, contacts into every store; what became of a contact is said once.
async fn write(stores: &[(Store, Vec<Source>)], changes: &[Change]) -> anyhow::Result<Sifted> {
    let mut sum = Sifted::default();
    for (nth, (store, sources)) in stores.iter().enumerate() {
        let belongs = |change: &Change| match change {
            Change::Interaction(interaction) => sources.contains(&interaction.source),
            Change::Contact(_) => true,
            Change::RemoveInteraction(_) | Change::RemoveContact(_) | Change::Erase(_) => false,
        };
        let is_contact = |change: &Change| matches!(change, Change::Contact(_));
        for (contacts, counts) in [(false, true), (true, nth == 0)] {
            let chosen = changes.iter().enumerate();
            let chosen = chosen.filter(|(_, change)| belongs(change) && is_contact(change) == contacts);
            let (places, changes): (Vec<usize>, Vec<Change>) =
                chosen.map(|(nth, change)| (nth, change.clone())).unzip();
            let Sifted { written, refused, .. } = keep(store, changes).await?;
            if counts {
                sum.written.join(written);
            }
            sum.refused.extend(refused.into_iter().map(|refused| refused.among(&places)));
        }
    }
    sum.refused.sort_by_key(|refused| refused.nth);
    sum.refused.dedup_by_key(|refused| refused.nth);
    Ok(sum)
}
