//! A service of its own for each test, in this process, and what can be asked of it from outside.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstory::config::{Layers, load};
use backstory::serve::{self, Running};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Agent, Call, Contact, Interaction, Kafka, until};

pub struct Service {
    running: Option<Running>,
    pub kafka: Kafka,
    settings: Vec<(String, String)>,
    folder: Arc<TempDir>,
    http: reqwest::Client,
    main: String,
    admin: String,
}

impl Service {
    /// With default settings and an empty store; ready.
    pub async fn start(kafka: &Kafka) -> Self {
        Self::with(kafka, &[]).await
    }

    /// With these settings over the defaults; ready.
    pub async fn with(kafka: &Kafka, settings: &[(&str, &str)]) -> Self {
        let service = Self::starting(kafka, settings).await;
        service.becomes_ready().await;
        service
    }

    /// Started, and perhaps not ready yet.
    pub async fn starting(kafka: &Kafka, settings: &[(&str, &str)]) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder for the store"));
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Self::on(kafka, settings.iter().map(owned).collect(), folder).await
    }

    async fn on(kafka: &Kafka, settings: Vec<(String, String)>, folder: Arc<TempDir>) -> Self {
        let store = store_setting(kafka, &folder);
        let own = [
            ("http.listen", "127.0.0.1:0".to_owned()),
            ("http.admin_listen", "127.0.0.1:0".to_owned()),
            // Many tests at a time: what the deadline is for is tested where a test says it.
            ("journey.lookup_timeout", "5s".to_owned()),
            ("journey.store", store),
        ];
        let own = own.into_iter().chain(kafka.settings()).map(|(key, value)| (key.to_owned(), value));
        let all: Vec<_> = own.chain(settings.clone()).collect();
        let layers = Layers::new(None, &all).expect("settings that can be read");
        let running = serve::start(load(&layers).expect("settings that can be used")).await.expect("a service");
        Self {
            kafka: kafka.found_at(running.brokers.addresses()),
            main: reached_at(running.address),
            admin: reached_at(running.admin_address),
            running: Some(running),
            settings,
            folder,
            http: reqwest::Client::new(),
        }
    }

    pub async fn becomes_ready(&self) {
        until("the service to be ready", async || (self.get_admin("/readyz").await.0 == 200).then_some(())).await;
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("a running service")
    }

    /// Ends it in order.
    pub async fn drain(&mut self) {
        self.running.take().expect("a running service").drain().await;
    }

    /// Ends it and starts it again on the same store; ready.
    pub async fn restart(mut self) -> Self {
        self.drain().await;
        self.start_again().await
    }

    /// Ends it and starts it again on the same store with these settings over the defaults; ready.
    pub async fn restart_with(mut self, settings: &[(&str, &str)]) -> Self {
        self.drain().await;
        self.settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.start_again().await
    }

    /// Ends it, does this to its store, and starts it again.
    pub async fn restart_after(mut self, change: impl FnOnce(&rusqlite::Connection)) -> Self {
        self.drain().await;
        change(&rusqlite::Connection::open(self.store_file()).unwrap());
        self.start_again().await
    }

    /// After a drain, on the same store; ready.
    pub async fn start_again(&self) -> Self {
        let again = Self::on(&self.kafka, self.settings.clone(), Arc::clone(&self.folder)).await;
        again.becomes_ready().await;
        again
    }

    pub fn store_file(&self) -> std::path::PathBuf {
        self.folder.path().join("journey.db")
    }

    /// As `journey.store` says it.
    pub fn store_setting(&self) -> String {
        store_setting(&self.kafka, &self.folder)
    }

    pub fn store(&self) -> &backstory::journey::Store {
        self.running().sources.stores().next().expect("a store that is written").0
    }

    /// An agent who said hello, in UTC.
    pub async fn agent(&self, agent_id: &str) -> Agent {
        self.agent_in(agent_id, "UTC").await
    }

    pub async fn agent_in(&self, agent_id: &str, time_zone: &str) -> Agent {
        self.socket().await.says_hello(json!({ "type": "hello", "agent": agent_id, "timeZone": time_zone })).await
    }

    /// An agent who comes back with this call on the screen.
    pub async fn agent_showing(&self, agent_id: &str, call_id: &str, digest: &Value) -> Agent {
        let showing = json!([{ "callId": call_id, "digest": digest }]);
        let hello = json!({ "type": "hello", "agent": agent_id, "timeZone": "UTC", "showing": showing });
        self.socket().await.says_hello(hello).await
    }

    /// A socket on which nothing was said yet.
    pub async fn socket(&self) -> Agent {
        self.handshake(&[]).await.expect("a handshake")
    }

    pub async fn handshake(&self, headers: &[(&str, &str)]) -> Result<Agent, u16> {
        Agent::connect(self.running().address, headers).await
    }

    /// Where it listens, for connections of the test's own.
    pub fn socket_address(&self) -> std::net::SocketAddr {
        self.running().address
    }

    pub async fn socket_with_a_small_window(&self) -> Agent {
        Agent::connect_with_a_small_window(self.running().address).await
    }

    /// The next four publish an event and return when the service has heard it.
    pub async fn offer(&self, call: Call) {
        self.hear(call.agent_id(), &call.event("offered")).await;
    }

    pub async fn connect(&self, call: Call) {
        self.hear(call.agent_id(), &call.event("connected")).await;
    }

    pub async fn wrap_up(&self, call: Call) {
        self.hear(call.agent_id(), &call.event("wrap_up")).await;
    }

    pub async fn end(&self, call: Call) {
        self.hear(call.agent_id(), &call.event("ended")).await;
    }

    /// Publishes any value to the topic of calls; returns when it was heard and its result counted.
    pub async fn hear(&self, agent_id: &str, event: &Value) {
        self.hear_bytes(agent_id, event.to_string()).await;
    }

    pub async fn hear_bytes(&self, agent_id: &str, value: impl AsRef<[u8]>) {
        let heard = self.metric("backstory_calls_total", &[]).await;
        self.kafka.publish(&self.kafka.calls, agent_id, value).await;
        self.counts("backstory_calls_total", &[], heard + 1.0).await;
    }

    /// Publishes interactions; returns when they are kept.
    pub async fn record(&self, interactions: &[Interaction]) {
        let topic = &self.kafka.interactions;
        let kept = self.kept(topic).await;
        for interaction in interactions {
            self.kafka.publish(topic, interaction.key(), interaction.json().to_string()).await;
        }
        self.keeps(topic, kept + interactions.len() as f64).await;
    }

    /// Publishes contacts; returns when they are kept.
    pub async fn list(&self, contacts: &[Contact]) {
        let topic = &self.kafka.contacts;
        let kept = self.kept(topic).await;
        for contact in contacts {
            self.kafka.publish(topic, &contact.key(), contact.json().to_string()).await;
        }
        self.keeps(topic, kept + contacts.len() as f64).await;
    }

    /// Publishes the key alone, which deletes; returns when that is done.
    pub async fn delete(&self, topic: &str, key: &str) {
        let kept = self.kept(topic).await;
        self.kafka.publish_nothing(topic, key).await;
        self.keeps(topic, kept + 1.0).await;
    }

    /// Records of a topic that were recorded since the start, changing something or not.
    pub async fn kept(&self, topic: &str) -> f64 {
        self.metric("backstory_records_recorded_total", &[("topic", topic)]).await
    }

    pub async fn keeps(&self, topic: &str, records: f64) {
        self.counts("backstory_records_recorded_total", &[("topic", topic)], records).await;
    }

    /// Waits until everything that was published to the recorded topics is kept.
    pub async fn is_current(&self) {
        until("the sources to be current", async || {
            let timeline = self.get("/v1/journeys/+12015550199").await.1;
            timeline["sources"][0]["asOf"].is_string().then_some(())
        })
        .await;
    }

    /// Waits until the counter is at least this.
    pub async fn counts(&self, name: &str, labels: &[(&str, &str)], at_least: f64) {
        until(&format!("{name}{labels:?} to reach {at_least}"), async || {
            (self.metric(name, labels).await >= at_least).then_some(())
        })
        .await;
    }

    /// Waits until this is counted so often, and it is no oftener: what a client is told may be counted a moment later.
    pub async fn counts_exactly(&self, name: &str, labels: &[(&str, &str)], times: f64) {
        self.counts(name, labels, times).await;
        assert_eq!(self.metric(name, labels).await, times, "{name}{labels:?}");
    }

    /// The sum of what `/metrics` says for this name and these labels.
    pub async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let text = self.http.get(format!("{}/metrics", self.admin)).send().await.unwrap().text().await.unwrap();
        let wanted: BTreeMap<&str, &str> = labels.iter().copied().collect();
        let values = text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, rest) = series.split_once('{').unwrap_or((series, "}"));
            let has = |(key, value): (&&str, &&str)| rest.contains(&format!("{key}=\"{value}\""));
            (found == name && wanted.iter().all(has)).then(|| value.parse::<f64>().unwrap())
        });
        values.sum()
    }

    /// What `/metrics` says of series that begin so, behind that.
    pub async fn series(&self, beginning: &str) -> Vec<String> {
        let text = self.http.get(format!("{}/metrics", self.admin)).send().await.unwrap().text().await.unwrap();
        text.lines().filter_map(|line| line.strip_prefix(beginning)).map(str::to_owned).collect()
    }

    /// `GET` on the main address, wanting JSON.
    pub async fn as_json(&self, path: &str) -> Value {
        let asked = self.http.get(format!("{}{path}", self.main)).header("accept", "application/json");
        asked.send().await.expect("an answer").json().await.expect("JSON")
    }

    /// `GET` on the main address: the status, and the body as JSON where it is.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(&self.main, path).await
    }

    pub async fn get_admin(&self, path: &str) -> (u16, Value) {
        self.ask(&self.admin, path).await
    }

    /// What is asked with a token, or without one: where it listens for operators, too.
    pub async fn asked(&self, method: &str, path: &str, token: Option<&str>) -> reqwest::Response {
        let base = if path.starts_with("/v1/pops") || path == "/metrics" { &self.admin } else { &self.main };
        let mut request = self.http.request(method.parse().unwrap(), format!("{base}{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.expect("an answer")
    }

    /// A header of what is at a path of the main address.
    pub async fn header(&self, path: &str, name: &str) -> String {
        let response = self.http.get(format!("{}{path}", self.main)).send().await.expect("an answer");
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    async fn ask(&self, base: &str, path: &str) -> (u16, Value) {
        let response = self.http.get(format!("{base}{path}")).send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Where it listens: host and port.
    pub fn address(&self) -> &str {
        self.main.trim_start_matches("http://")
    }

    /// The status of `/readyz`, if anybody answers.
    pub async fn readiness(&self) -> Option<u16> {
        self.http.get(format!("{}/readyz", self.main)).send().await.ok().map(|response| response.status().as_u16())
    }

    /// The timeline of `GET /v1/journeys/{number}`.
    pub async fn journey(&self, number: &str) -> Value {
        let (status, timeline) = self.get(&format!("/v1/journeys/{number}")).await;
        assert_eq!(status, 200, "{timeline}");
        timeline
    }
}

/// A service that listens everywhere is also reached here.
fn reached_at(mut address: std::net::SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{address}")
}

fn store_setting(kafka: &Kafka, folder: &TempDir) -> String {
    let file = || format!("sqlite:{}", folder.path().join("journey.db").display());
    kafka.database.clone().unwrap_or_else(file)
}

impl Drop for Service {
    /// A test that is over does not wait for the end: the clients go with the runtime, and the in-process broker, which
    /// hangs where a client is left, goes with the process.
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            std::mem::forget(running);
        }
    }
}
