//! Topics of one run, made for it and removed at its end.

use std::time::Duration;

use anyhow::Context as _;
use parking_lot::Mutex;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use crate::kafka::{ASK_TIMEOUT, Brokers};

const PARTITIONS: i32 = 6;
/// Beside those of calls: one each for the whole run.
const OTHERS: [&str; 4] = ["interactions", "contacts", "erasures", "audit"];

pub struct Topics {
    admin: AdminClient<DefaultClientContext>,
    run: String,
    made: Mutex<Vec<String>>,
}

impl Topics {
    /// Of this benchmark: two of them may run beside each other.
    pub async fn make(brokers: &Brokers, bench: &str) -> anyhow::Result<Self> {
        let admin = brokers.asking().context("no client for Kafka")?;
        let run = format!("backstory-bench-{bench}-{:08x}", rand::random::<u32>());
        let topics = Self { admin, run, made: Mutex::default() };
        for name in OTHERS {
            topics.add(name).await?;
        }
        Ok(topics)
    }

    /// One more; its whole name.
    pub async fn add(&self, name: &str) -> anyhow::Result<String> {
        let name = self.name(name);
        // One copy: what is measured is this program, and not how fast brokers copy.
        let topic = NewTopic::new(&name, PARTITIONS, TopicReplication::Fixed(1));
        let topic = topic.set("message.timestamp.type", "LogAppendTime");
        let made = self.admin.create_topics([&topic], &options()).await?;
        made.into_iter()
            .next()
            .context("no answer")?
            .map_err(|(_, code)| anyhow::anyhow!("the topic {name} was not made: {code}"))?;
        self.made.lock().push(name.clone());
        Ok(name)
    }

    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.run)
    }

    /// As settings name those that all nodes share.
    pub fn settings(&self) -> Vec<(String, String)> {
        let topics = OTHERS.map(|name| (format!("kafka.topics.{name}"), self.name(name)));
        topics.into_iter().chain([("kafka.group".to_owned(), self.run.clone())]).collect()
    }

    pub async fn remove(&self) -> anyhow::Result<()> {
        let made = std::mem::take(&mut *self.made.lock());
        let names: Vec<&str> = made.iter().map(String::as_str).collect();
        for removed in self.admin.delete_topics(&names, &options()).await? {
            removed.map_err(|(topic, code)| anyhow::anyhow!("the topic {topic} was not removed: {code}"))?;
        }
        Ok(())
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ASK_TIMEOUT)).operation_timeout(Some(Duration::from_secs(15)))
}
