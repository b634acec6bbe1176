//! Public keys that tokens are verified with: as the identity provider publishes them (JWKS), or from files.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;

/// Of one provider or file. A token without a `kid` may have to be held against each.
const KEYS_MAX: usize = 64;
/// RSA keys below 2048 bits are too weak to say who somebody is.
const RSA_BYTES_MIN: usize = 256;
/// An uncompressed point: a byte, and two coordinates.
const P256_POINT_BYTES: usize = 65;
const P384_POINT_BYTES: usize = 97;
const ED25519_BYTES: usize = 32;

/// How tokens may be signed: with a private key whose public one is known here. Never with an HMAC, never with `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SigningAlgorithm(pub(super) Algorithm);

impl TryFrom<String> for SigningAlgorithm {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let algorithm = name.parse().ok().filter(|known: &Algorithm| known.family() != AlgorithmFamily::Hmac);
        algorithm.map(Self).ok_or_else(|| {
            format!(
                "{name:?} is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA (HMAC and none are not \
                 accepted: whoever can verify such a token can make one)"
            )
        })
    }
}

/// One public key, and what it may verify: one family of algorithms, or the one that it names itself.
pub struct Key {
    pub(super) kid: Option<String>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) decoding: DecodingKey,
}

/// The keys of one provider or file.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<Key>,
    /// Keys that are for something else, too weak or of a kind that is not known here.
    pub passed_over: usize,
}

/// Why keys cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    #[error("this is neither a PEM file of public keys nor a JWKS ({{\"keys\":[…]}})")]
    Unreadable,
    #[error("this holds a private key: only the public one belongs here")]
    Private,
    #[error("no key is in it that tokens may be signed with (RSA of 2048 bits or more, P-256, P-384 or Ed25519)")]
    NoneUsable,
    #[error("it holds more than {} keys", KEYS_MAX)]
    TooMany,
}

impl KeySet {
    /// A PEM file with one public key or several, or a JWKS.
    pub fn of_file(bytes: &[u8]) -> Result<Self, BadKeys> {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.contains("-----BEGIN ") => Self::of_pem(text),
            _ => Self::of_jwks(bytes),
        }
    }

    /// What is not for signatures, or of a kind that is not known here, is passed over: providers publish all they have.
    pub fn of_jwks(bytes: &[u8]) -> Result<Self, BadKeys> {
        #[derive(Deserialize)]
        struct Published {
            keys: Vec<Value>,
        }
        let published: Published = serde_json::from_slice(bytes).map_err(|_| BadKeys::Unreadable)?;
        let all = published.keys.len();
        let keys: Vec<Key> = published.keys.into_iter().filter_map(Key::of_jwk).collect();
        Self::of_keys(keys, all)
    }

    fn of_pem(text: &str) -> Result<Self, BadKeys> {
        if text.contains("PRIVATE KEY-----") {
            return Err(BadKeys::Private);
        }
        let blocks: Vec<&str> = text.split_inclusive("-----END ").collect();
        let mut keys = Vec::new();
        // Each block but the last ends where the name of its end begins, which stands at the head of the next.
        for pair in blocks.windows(2) {
            let begin = pair[0].find("-----BEGIN ").ok_or(BadKeys::Unreadable)?;
            let end = pair[1].lines().next().unwrap_or_default();
            keys.push(Key::of_pem(format!("{}{end}\n", &pair[0][begin..]).as_bytes()));
        }
        let all = keys.len();
        Self::of_keys(keys.into_iter().flatten().collect(), all)
    }

    fn of_keys(keys: Vec<Key>, all: usize) -> Result<Self, BadKeys> {
        match keys.len() {
            0 => Err(BadKeys::NoneUsable),
            many if many > KEYS_MAX => Err(BadKeys::TooMany),
            usable => Ok(Self { keys, passed_over: all - usable }),
        }
    }

    /// Of several files.
    pub(super) fn joined(sets: Vec<Self>) -> Self {
        let passed_over = sets.iter().map(|set| set.passed_over).sum();
        Self { keys: sets.into_iter().flat_map(|set| set.keys).collect(), passed_over }
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Those that a token may be signed with by its `kid`: the one of that name, those that have none, or, for a token
    /// without, all.
    pub(super) fn of_kid(&self, kid: Option<&str>) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| kid.is_none() || key.kid.is_none() || key.kid.as_deref() == kid)
    }
}

impl Key {
    fn of_jwk(value: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let for_signatures = jwk.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
        let verifies = jwk.common.key_operations.as_ref().is_none_or(|may| may.contains(&KeyOperations::Verify));
        if !for_signatures || !verifies {
            return None;
        }
        let curve = match &jwk.algorithm {
            AlgorithmParameters::EllipticCurve(point) => Some(&point.curve),
            AlgorithmParameters::OctetKeyPair(point) => Some(&point.curve),
            AlgorithmParameters::RSA(_) => None,
            // A shared secret has no business among public keys; whoever reads it here could forge with it.
            _ => return None,
        };
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        let fits = match (decoding.family(), curve) {
            (AlgorithmFamily::Ec, Some(EllipticCurve::P256 | EllipticCurve::P384)) => true,
            (AlgorithmFamily::Ed, Some(EllipticCurve::Ed25519)) => true,
            (family, None) => family == AlgorithmFamily::Rsa,
            _ => false,
        };
        let mut key = Self::of(decoding).filter(|_| fits)?;
        key.kid = jwk.common.key_id;
        if let Some(named) = jwk.common.key_algorithm {
            let named = Algorithm::try_from(named).ok()?;
            key.algorithms.retain(|algorithm| *algorithm == named);
        }
        (!key.algorithms.is_empty()).then_some(key)
    }

    fn of_pem(pem: &[u8]) -> Option<Self> {
        let decoding = DecodingKey::from_ec_pem(pem)
            .or_else(|_| DecodingKey::from_ed_pem(pem))
            .or_else(|_| DecodingKey::from_rsa_pem(pem));
        Self::of(decoding.ok()?)
    }

    /// May verify what its family allows; the length of an elliptic key's point says its curve.
    fn of(decoding: DecodingKey) -> Option<Self> {
        let algorithms = match (decoding.family(), decoding.kind()) {
            (AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, .. }) => {
                let length = n.len() - n.iter().take_while(|byte| **byte == 0).count();
                (length >= RSA_BYTES_MIN).then(|| AlgorithmFamily::Rsa.algorithms().to_vec())?
            }
            (AlgorithmFamily::Rsa, DecodingKeyKind::SecretOrDer(der)) => {
                (der.len() > RSA_BYTES_MIN).then(|| AlgorithmFamily::Rsa.algorithms().to_vec())?
            }
            (AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => match point.len() {
                P256_POINT_BYTES => vec![Algorithm::ES256],
                P384_POINT_BYTES => vec![Algorithm::ES384],
                _ => return None,
            },
            (AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) if point.len() == ED25519_BYTES => {
                vec![Algorithm::EdDSA]
            }
            _ => return None,
        };
        Some(Self { kid: None, algorithms, decoding })
    }
}

#[cfg(test)]
mod tests;
