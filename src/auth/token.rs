//! A token, from its text to who it is: pure, but for the clock that the library reads for `exp` and `nbf`.

use std::sync::Arc;

use chrono::DateTime;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::keys::{Key, KeySet};
use super::{Identity, Refused, Scopes};
use crate::config::{Aliases, Auth};
use crate::record::ID_BYTES_MAX;

/// Tokens with many groups in them have several KB; nothing that is longer is looked at.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// The end of the year 9999, as good as never: sums with it stay within what times can be.
const LAST_SECOND: i64 = 253_402_300_799;

/// What a token must be, and how its claims are read.
pub struct Rules {
    /// Holds for all algorithms but for the one of the token.
    validation: Validation,
    algorithms: Vec<Algorithm>,
    agent_claim: String,
    scope_claim: String,
    teams_claim: String,
    aliases: Arc<Aliases>,
}

/// What a token says of its signature, before anything of it is believed.
struct Head {
    algorithm: Algorithm,
    kid: Option<String>,
}

impl Rules {
    pub fn of(settings: &Auth, aliases: Arc<Aliases>) -> Self {
        let algorithms: Vec<Algorithm> = settings.algorithms.iter().map(|algorithm| algorithm.0).collect();
        let mut validation = Validation::default();
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(settings.issuer.as_slice());
        validation.set_audience(settings.audience.as_slice());
        validation.validate_nbf = true;
        validation.leeway = settings.leeway.as_secs();
        Self {
            validation,
            algorithms,
            agent_claim: settings.agent_claim.clone(),
            scope_claim: settings.scope_claim.clone(),
            teams_claim: settings.teams_claim.clone(),
            aliases,
        }
    }

    /// Whom a token speaks for, verified with one of these keys.
    pub fn identity(&self, token: &str, keys: &[Arc<KeySet>]) -> Result<Identity, Refused> {
        let head = self.head(token)?;
        let none = keys.iter().all(|set| set.is_empty());
        let mut refused = if none { Refused::KeysMissing } else { Refused::UnknownKey };
        for key in keys.iter().flat_map(|set| set.of_kid(head.kid.as_deref())) {
            match self.verify(token, &head, key) {
                Err(why @ (Refused::Signature | Refused::Algorithm)) => {
                    // A key without a name that does not fit leaves open whether there is one of the token's name.
                    if head.kid.is_none() || key.kid.is_some() {
                        refused = why;
                    }
                }
                verified => return verified,
            }
        }
        Err(refused)
    }

    fn head(&self, token: &str) -> Result<Head, Refused> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refused::TooLong);
        }
        let header = decode_header(token).map_err(|_| Refused::Malformed)?;
        if !self.algorithms.contains(&header.alg) {
            return Err(Refused::Algorithm);
        }
        Ok(Head { algorithm: header.alg, kid: header.kid })
    }

    /// The key decides how a token may be signed, not the token.
    fn verify(&self, token: &str, head: &Head, key: &Key) -> Result<Identity, Refused> {
        if !key.algorithms.contains(&head.algorithm) {
            return Err(Refused::Algorithm);
        }
        let validation = Validation { algorithms: vec![head.algorithm], ..self.validation.clone() };
        let decoded = decode::<Map<String, Value>>(token, &key.decoding, &validation).map_err(reason)?;
        self.read(&decoded.claims.into())
    }

    /// Of claims that were verified.
    fn read(&self, claims: &Value) -> Result<Identity, Refused> {
        // RFC 7519 knows one issuer; the library also takes a list.
        if !claims["iss"].is_string() {
            return Err(Refused::Claims);
        }
        let expires = claims["exp"].as_f64().ok_or(Refused::Claims)?;
        let expires_at = DateTime::from_timestamp((expires as i64).clamp(0, LAST_SECOND), 0);
        Ok(Identity {
            agent_id: self.agent(claims)?,
            scopes: Scopes::of(words(claim(claims, &self.scope_claim)).into_iter().flat_map(str::split_whitespace)),
            teams: words(claim(claims, &self.teams_claim)).into_iter().map(SmolStr::from).collect(),
            expires_at: Some(expires_at.ok_or(Refused::Claims)?),
        })
    }

    fn agent(&self, claims: &Value) -> Result<String, Refused> {
        let id = match claim(claims, &self.agent_claim) {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) if id.is_u64() => id.to_string(),
            _ => return Err(Refused::NoAgent),
        };
        let is_id = !id.trim().is_empty() && id.len() <= ID_BYTES_MAX;
        is_id.then(|| self.aliases.agent(id)).ok_or(Refused::NoAgent)
    }

    /// How long after its `exp` a token still holds.
    pub fn leeway_seconds(&self) -> u64 {
        self.validation.leeway
    }
}

/// By the path's names, with dots between them. Claims of one's own are often called like URLs, dots and all: the longest
/// name that there is goes first.
fn claim<'a>(claims: &'a Value, path: &str) -> Option<&'a Value> {
    let inner = || path.rmatch_indices('.').find_map(|(dot, _)| claim(claims.get(&path[..dot])?, &path[dot + 1..]));
    claims.get(path).or_else(inner)
}

/// A list of words, or one text.
fn words(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// In words that carry nothing of the token, as the library's may.
fn reason(error: Error) -> Refused {
    match error.kind() {
        ErrorKind::InvalidSignature
        | ErrorKind::InvalidEcdsaKey
        | ErrorKind::InvalidEddsaKey
        | ErrorKind::InvalidRsaKey(_)
        | ErrorKind::Base64(_) => Refused::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat | ErrorKind::UnsupportedAlgorithm => {
            Refused::Algorithm
        }
        ErrorKind::ExpiredSignature => Refused::Expired,
        ErrorKind::ImmatureSignature => Refused::NotYetValid,
        ErrorKind::InvalidAudience => Refused::Audience,
        ErrorKind::InvalidIssuer => Refused::Issuer,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => Refused::Claims,
        _ => Refused::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_found_by_its_path_whatever_dots_its_names_have() {
        let claims = json!({
            "sub": "ana", "realm_access": { "roles": ["supervise"] }, "https://desk.example/agent": "7",
            "https://desk.example": { "teams": { "of.ana": ["a"] } }
        });
        let found = |path| claim(&claims, path).map(Value::to_string);
        assert_eq!(found("sub").as_deref(), Some("\"ana\""));
        assert_eq!(found("realm_access.roles").as_deref(), Some("[\"supervise\"]"));
        assert_eq!(found("https://desk.example/agent").as_deref(), Some("\"7\""));
        assert_eq!(found("https://desk.example.teams.of.ana").as_deref(), Some("[\"a\"]"));
        assert_eq!(found("realm_access.groups"), None);
        assert_eq!(found("sub.name"), None);
    }

    #[test]
    fn a_list_and_a_text_say_the_same_words_and_anything_else_says_none() {
        assert_eq!(words(Some(&json!("a b"))), ["a b"]);
        assert_eq!(words(Some(&json!(["a", 7, "b"]))), ["a", "b"]);
        assert!(words(Some(&json!({ "a": 1 }))).is_empty() && words(None).is_empty());
    }
}
