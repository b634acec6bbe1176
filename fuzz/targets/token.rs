//! Tokens and the keys that verify them: whatever is said, nobody comes in who was not signed for, and no refusal repeats a token.
#![no_main]

use std::sync::{Arc, LazyLock};

use backstory::auth::{KeySet, Rules, TOKEN_BYTES_MAX};
use backstory::config::{Layers, load_without_kafka};
use backstory_fuzz::good;
use libfuzzer_sys::fuzz_target;

/// Its private key signed the seeds, all for one agent, and is kept nowhere.
const PUBLISHED: &str = r#"{"keys":[{"kty": "EC", "crv": "P-256", "kid": "k-1", "alg": "ES256", "use": "sig", "x": "89gnD6nVbXrJMN3uYTb3MMDeQ0gaTT9Gulr7Xijaxpc", "y": "LhYaP_xDIZeqd2SCI9BYDmk_AmamMVOHsjy4XP7EYSM"}]}"#;
const SETTINGS: [(&str, &str); 3] = [
    ("auth.issuer", "https://login.example"),
    ("auth.audience", "backstory"),
    ("auth.jwks_url", "https://login.example/k"),
];

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let flags = SETTINGS.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let settings = good(load_without_kafka(&good(Layers::new(None, &flags), "flags")), "settings");
    Rules::of(&settings.auth, settings.aliases)
});
static KEYS: LazyLock<[Arc<KeySet>; 1]> =
    LazyLock::new(|| [Arc::new(good(KeySet::of_jwks(PUBLISHED.as_bytes()), "published keys"))]);

fuzz_target!(|data: &[u8]| {
    if let Ok(keys) = KeySet::of_file(data) {
        assert!(!keys.is_empty(), "a set without keys is none");
    }
    let Ok(token) = str::from_utf8(data) else { return };
    match RULES.identity(token, &*KEYS) {
        Ok(identity) => {
            assert!(token.len() <= TOKEN_BYTES_MAX && token.split('.').count() == 3);
            assert_eq!(identity.agent_id, "ana", "somebody came in whom nobody signed for");
            assert!(identity.expires_at.is_some(), "a session without an end");
        }
        Err(refused) => {
            let said = format!("{refused:?} {}", refused.text());
            // Other texts may be words of ours, which the fuzzer reads in the binary.
            let has_three_parts = token.split('.').count() == 3 && !token.contains(' ');
            assert!(!has_three_parts || token.len() < 16 || !said.contains(token), "a refusal repeats the token");
        }
    }
});
