//! Who may come in: the identity provider whose tokens are believed, the keys they are verified with, and how their claims are read.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use reqwest::Url;
use serde::Deserialize;

use super::Span;
use crate::auth::{KeySet, SigningAlgorithm};

/// A token that is over must not live on in the name of clocks that disagree.
const LEEWAY_MAX: Duration = Duration::from_secs(300);
const LISTENS: [&str; 2] = ["http.listen", "http.admin_listen"];

#[derive(Debug, Clone, Deserialize)]
pub struct Auth {
    /// The tokens' `iss`. With it and `audience` authentication is configured; neither is there without the other.
    pub issuer: Option<String>,
    /// What must be among the tokens' `aud`.
    pub audience: Option<String>,
    pub jwks_url: Option<JwksUrl>,
    pub keys: Vec<PathBuf>,
    pub algorithms: Vec<SigningAlgorithm>,
    pub leeway: Span,
    pub agent_claim: String,
    pub scope_claim: String,
    pub teams_claim: String,
    pub jwks_refresh: Span,
    pub jwks_refresh_min: Span,
    pub ticket_lifetime: Span,
    pub tickets_max: usize,
}

impl Auth {
    pub fn is_configured(&self) -> bool {
        self.issuer.is_some()
    }
}

/// Where the identity provider publishes its keys: over TLS, or on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct JwksUrl(Url);

impl JwksUrl {
    pub fn get(&self) -> &Url {
        &self.0
    }

    /// `http` is for this machine alone.
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl TryFrom<String> for JwksUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const EXPECTED: &str = "expected a URL such as \"https://login.example/keys\"";
        let url = Url::parse(&text).map_err(|_| EXPECTED)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("keys are public: no user and no password belong into this URL, which is printed and logged");
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if url.host_str().is_some_and(is_loopback) => Ok(Self(url)),
            "http" => {
                Err("http:// is for loopback addresses only: whoever can change the keys on their way can be anybody")
            }
            _ => Err(EXPECTED),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// What no value shows by itself. Read value by value: a mistake elsewhere hides none of these.
pub(super) fn check(figment: &Figment) -> Vec<String> {
    let said = |key: &str| figment.contains(key);
    let files = figment.extract_inner::<Vec<PathBuf>>("auth.keys").unwrap_or_default();
    let is_configured = said("auth.issuer") || said("auth.audience") || said("auth.jwks_url") || !files.is_empty();
    if !is_configured {
        return LISTENS.iter().filter_map(|key| beyond_loopback(figment, key)).collect();
    }
    let mut problems = Vec::new();
    for (key, what) in
        [("auth.issuer", "who issues the tokens, their iss"), ("auth.audience", "whom they are for, their aud")]
    {
        if !said(key) {
            problems.push(format!("{key} is missing: {what}; without it tokens of other services would do"));
        }
    }
    if !said("auth.jwks_url") && files.is_empty() {
        problems.push("auth.jwks_url or auth.keys is missing: there is nothing to verify tokens with".into());
    }
    problems.extend(files.iter().filter_map(|file| unreadable(file)));
    let time = |key: &str| figment.extract_inner::<Span>(key).ok();
    if time("auth.leeway").is_some_and(|leeway| *leeway > LEEWAY_MAX) {
        problems.push(
            "auth.leeway is more than \"5m\": clocks are set right, tokens that are over are not kept alive".into(),
        );
    }
    if let (Some(most), Some(least)) = (time("auth.jwks_refresh"), time("auth.jwks_refresh_min"))
        && *least > *most
    {
        problems.push(
            "auth.jwks_refresh_min is longer than auth.jwks_refresh: the keys would be asked for too often".into(),
        );
    }
    problems
}

fn beyond_loopback(figment: &Figment, key: &str) -> Option<String> {
    let address = figment.extract_inner::<SocketAddr>(key).ok().filter(|address| !address.ip().is_loopback())?;
    Some(format!(
        "{key}: {address} is not a loopback address: without authentication ([auth]) the service binds to loopback only, \
         because whoever reaches it can read customers' histories"
    ))
}

fn unreadable(file: &Path) -> Option<String> {
    let read = std::fs::read(file).map_err(|error| error.to_string());
    let keys = read.and_then(|bytes| KeySet::of_file(&bytes).map_err(|error| error.to_string()));
    keys.err().map(|error| format!("auth.keys: {}: {error}", file.display()))
}
