//! A running service as commands ask it: where it is, what it says of itself, where its brokers are.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::Url;
use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::Value;

use super::Common;
use super::trust::{Entrance, Trust};
use crate::config::{EMBEDDED, Settings, Topics};
use crate::kafka::Brokers;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Where a token is, for services that ask for one. Never the token itself: command lines are seen by everybody on the machine.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TokenFile {
    /// File with a token of the identity provider, where the service asks for one; read anew each time
    #[arg(long, value_name = "FILE", env = "BACKSTORY_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

impl TokenFile {
    /// As it is at this moment: tokens are short-lived, and whoever fetches them writes the next one into the same file.
    pub fn token(&self) -> anyhow::Result<Option<String>> {
        Ok(self.tokens()?.and_then(|tokens| tokens.into_iter().next()))
    }

    /// Of a file with a token a line.
    pub fn tokens(&self) -> anyhow::Result<Option<Vec<String>>> {
        let Some(file) = &self.token_file else { return Ok(None) };
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let tokens: Vec<String> = lines.map(str::to_owned).collect();
        ensure!(!tokens.is_empty(), "{} is empty: a token is expected in it", file.display());
        Ok(Some(tokens))
    }
}

/// What `/v1/info` says, as far as commands need it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    pub version: String,
    pub node: String,
    /// As clients reach them.
    pub brokers: String,
    #[serde(default)]
    pub embedded_broker: bool,
    pub topics: Topics,
}

/// What it says to those who bring no token.
#[derive(Debug, Deserialize)]
struct OpenInfo {
    #[serde(default)]
    authentication: bool,
}

/// A service by its address; nothing is asked before a method asks it.
#[derive(Debug, Clone)]
pub struct RunningService {
    base: Url,
    client: reqwest::Client,
    token: TokenFile,
    /// Of https://.
    tls: Option<Arc<ClientConfig>>,
}

impl RunningService {
    /// By `--url`, or where the settings say that it listens.
    pub fn at(url: Option<&str>, settings: &Settings, trust: &Trust) -> anyhow::Result<Self> {
        let is_tls = settings.http.tls.files().is_some();
        let given = url.map_or_else(|| local_url(settings.http.listen, is_tls), str::to_owned);
        let base = Url::parse(&given)
            .with_context(|| format!("{given} is no URL; write one such as http://127.0.0.1:8080"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            bail!("{given}: write a URL such as http://127.0.0.1:8080 or https://backstory.example");
        }
        let tls = if base.scheme() == "https" { Some(trust.client()?) } else { None };
        // A proxy of the environment knows nothing of this machine's own addresses.
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).connect_timeout(CONNECT_TIMEOUT);
        let client = match &tls {
            Some(tls) => client.tls_backend_preconfigured(ClientConfig::clone(tls)),
            // Reading the system's certificates takes a while, and nothing here needs them.
            None => client.tls_certs_only([]),
        };
        Ok(Self { base, client: client.build()?, token: TokenFile::default(), tls })
    }

    /// Asks with this token from now on.
    pub fn with(self, token: &TokenFile) -> Self {
        Self { token: token.clone(), ..self }
    }

    /// Where it answers operators, by the settings.
    pub fn admin_of(settings: &Settings, trust: &Trust) -> anyhow::Result<Self> {
        let is_tls = settings.http.tls.files().is_some() && settings.http.tls.admin;
        Self::at(Some(&local_url(settings.http.admin_listen, is_tls)), settings, trust)
    }

    pub fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Where agents connect.
    pub fn entrance(&self) -> Entrance {
        let url = self.url(&["v1", "agent"], &[]);
        Entrance { url: url.as_str().replacen("http", "ws", 1), tls: self.tls.clone() }
    }

    pub async fn info(&self) -> anyhow::Result<Info> {
        let text = self.get(&["v1", "info"], &[]).await?;
        let is_closed = || serde_json::from_str::<OpenInfo>(&text).is_ok_and(|open| open.authentication);
        serde_json::from_str(&text).map_err(|error| match is_closed() {
            true => {
                anyhow::anyhow!("the service at {} asks for a token: name a file with one (--token-file)", self.base())
            }
            false => {
                anyhow::Error::from(error).context(format!("what answers at {} is no backstory service", self.base()))
            }
        })
    }

    /// The body of an answer, as it came. Segments and values are escaped here.
    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<String> {
        let mut request = self.client.get(self.url(path, query));
        if let Some(token) = self.token.token()? {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await;
        let answer = answer.map_err(reqwest::Error::without_url).with_context(|| {
            format!(
                "no service answers at {}; start one (backstory serve, backstory demo) or name it with --url",
                self.base()
            )
        })?;
        let status = answer.status();
        let body = answer.text().await.map_err(reqwest::Error::without_url)?;
        if status.is_success() {
            return Ok(body);
        }
        let problem: Value = serde_json::from_str(&body).unwrap_or_default();
        bail!("the service answered {status}: {}", problem["error"]["text"].as_str().unwrap_or("no reason given"))
    }

    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// `0.0.0.0` is where it listens, not where it is reached.
pub fn local_url(mut listen: std::net::SocketAddr, is_tls: bool) -> String {
    if listen.ip().is_unspecified() {
        let loopback: std::net::IpAddr =
            if listen.is_ipv6() { std::net::Ipv6Addr::LOCALHOST.into() } else { std::net::Ipv4Addr::LOCALHOST.into() };
        listen.set_ip(loopback);
    }
    let scheme = if is_tls { "https" } else { "http" };
    format!("{scheme}://{listen}")
}

impl Info {
    /// The service's brokers and topics, with this machine's `kafka.properties`.
    pub fn brokers(&self, settings: &Settings) -> Brokers {
        let mut kafka = settings.kafka.clone();
        kafka.topics = self.topics.clone();
        let brokers = if self.embedded_broker { Brokers::embedded_at } else { Brokers::at };
        brokers(self.brokers.clone(), &kafka)
    }
}

/// Which brokers a command speaks to.
#[derive(Debug, clap::Args)]
pub struct BrokersOf {
    /// Ask this service for its brokers, such as http://127.0.0.1:8080 [default: kafka.brokers of the settings; where these
    /// name none, the service at http.listen]
    #[arg(long)]
    url: Option<String>,

    #[command(flatten)]
    token: TokenFile,
}

impl BrokersOf {
    /// Those of the settings; where these name none (or the in-process broker, whose port only its service knows), or with
    /// `--url`, those of a running service.
    pub async fn find(&self, common: &Common) -> anyhow::Result<Brokers> {
        let (settings, url) = (common.settings_without_kafka()?, self.url.as_deref());
        match settings.kafka.brokers.as_deref().filter(|said| *said != EMBEDDED && url.is_none()) {
            Some(addresses) => Ok(Brokers::at(addresses.to_owned(), &settings.kafka)),
            None => {
                let info = RunningService::at(url, &settings, &common.trust)?.with(&self.token).info().await;
                let info = info.context("kafka.brokers is not set, so a running service was asked for its brokers")?;
                Ok(info.brokers(&settings))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(url: &str) -> anyhow::Result<RunningService> {
        let layers = crate::config::Layers::new(None, &[("http.listen".into(), "127.0.0.1:9".into())])?;
        RunningService::at(
            (!url.is_empty()).then_some(url),
            &crate::config::load_without_kafka(&layers)?,
            &Trust::default(),
        )
    }

    #[test]
    fn a_service_is_where_the_settings_say_unless_a_url_is_given() {
        assert_eq!(service("").unwrap().entrance().url, "ws://127.0.0.1:9/v1/agent");
        assert_eq!(service("http://h:1/behind/").unwrap().entrance().url, "ws://h:1/behind/v1/agent");
        assert_eq!(service("https://h").unwrap().entrance().url, "wss://h/v1/agent");
        for bad in ["h:1", "ftp://h", "nonsense"] {
            assert!(service(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_plus_in_a_number_survives_the_path_and_the_query() {
        let url = service("").unwrap().url(&["v1", "journeys", "+1 201/5"], &[("campaign", "a&b+c".into())]);
        assert_eq!(url.as_str(), "http://127.0.0.1:9/v1/journeys/+1%20201%2F5?campaign=a%26b%2Bc");
    }
}
