//! Keys in files and as providers publish them, good and bad.

use serde_json::json;

use super::*;

const P256: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGJ9JaCJM4FJBHTTm00cwXUCrKNZK
2Hjkbbo+rl374XVCtlmqkEcIqV5XA7kSHzPOs+ofsx5mb1mbnOTpgo7Dqw==
-----END PUBLIC KEY-----
";

const P384: &str = "\
-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE2Kz76wA1atd7kfhQbCNrJFWhxOttHYOE
BE8P6iPY4FfVTREk9MVHhIzW/b7N6CdPpSjum53usXATTgDhqDWZUBHWbmKLtNps
UPtZaNXgvnd4TJmPErn3zMo0B5HstmdS
-----END PUBLIC KEY-----
";

const P521: &str = "\
-----BEGIN PUBLIC KEY-----
MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBpr1yKLwF1HIaUZeq4ceLzJ7MVt3U
p6tgq+pvtm1FEfd1nLqPz8NpDViT5J/jDz8zu5+iPCvKNgy8YWpRoXEsL+kBoajs
jCO3douMb7t7EQVWwSB+yC78Lg9fsj6yx+Ysz0XI8K6PfOeyOd3ZCUv0p3fd7S4N
M4q05FCOLXfl8rRGVvs=
-----END PUBLIC KEY-----
";

const ED25519: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAhP5qijFZZT06hcvFqgFrQf28o2JAOSwrMkQSPSImZ8E=
-----END PUBLIC KEY-----
";

const RSA: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAm2NwTrgZjmX5HPgyvj6u
EMMhx5M+v5E648KvQdfCChRjsOjFxJuxwc5Ntp4P4M2quN6TH8IFX46sxRduFeVt
uA7nUlFey9QvC6RskcTxegfAML+ZPJKZZTEYca8r5ogxE4NHX/50+Qqaunux1/Oc
rcKKsteeBp219xa1duE9IydmDa7flKFUzOYI86RZA9fCtlSmUdvJjRWIsuVYYVY6
wV8Wg21DacpuIRm+LvONf45W8RA1XjZY726gmMPRtwdm1fTU4bI3mg7xi3Ej2xIk
GtiQu8dPkRsXs6zLQ+vK2iD5YnnCui/tN9py7jAU93cHfuLmUqwCCgiqprfTgrEQ
uQIDAQAB
-----END PUBLIC KEY-----
";

const RSA_OF_PKCS1: &str = "\
-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAm2NwTrgZjmX5HPgyvj6uEMMhx5M+v5E648KvQdfCChRjsOjFxJux
wc5Ntp4P4M2quN6TH8IFX46sxRduFeVtuA7nUlFey9QvC6RskcTxegfAML+ZPJKZ
ZTEYca8r5ogxE4NHX/50+Qqaunux1/OcrcKKsteeBp219xa1duE9IydmDa7flKFU
zOYI86RZA9fCtlSmUdvJjRWIsuVYYVY6wV8Wg21DacpuIRm+LvONf45W8RA1XjZY
726gmMPRtwdm1fTU4bI3mg7xi3Ej2xIkGtiQu8dPkRsXs6zLQ+vK2iD5YnnCui/t
N9py7jAU93cHfuLmUqwCCgiqprfTgrEQuQIDAQAB
-----END RSA PUBLIC KEY-----
";

const RSA_1024: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDX4ud9+jVyfLaAvMopx3pQWgyn
pReOpNEBgD6xFw7OaLFC3rRjim42hmSBgvRPOhZvVzv4F/K97TkNl2Cc71Unga2M
+zpQD9wKJ8VEyqRJnyofGeOMBRalKFYaidXZV/1P9g5V0lfdL6t/+miRuj2qsOtv
dcMGN0xY3y5saLlZfwIDAQAB
-----END PUBLIC KEY-----
";

/// Made for this test.
const ED25519_PRIVATE: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIOynH3sFBWGhWF0y6BD+4P17rhLYdGJmKzElhB5yx/k8
-----END PRIVATE KEY-----
";

fn of_file(text: &str) -> Result<Vec<Vec<Algorithm>>, BadKeys> {
    KeySet::of_file(text.as_bytes()).map(|set| set.keys.into_iter().map(|key| key.algorithms).collect())
}

#[test]
fn a_pem_file_says_by_its_keys_what_they_verify() {
    let rsa = AlgorithmFamily::Rsa.algorithms().to_vec();
    for (pem, verifies) in [
        (P256, vec![Algorithm::ES256]),
        (P384, vec![Algorithm::ES384]),
        (ED25519, vec![Algorithm::EdDSA]),
        (RSA, rsa.clone()),
        (RSA_OF_PKCS1, rsa),
    ] {
        assert_eq!(of_file(pem), Ok(vec![verifies.clone()]), "{pem}");
        assert_eq!(of_file(&format!("a comment\n{pem}\n{P256}")), Ok(vec![verifies, vec![Algorithm::ES256]]), "{pem}");
    }
}

#[test]
fn a_file_without_a_key_that_is_strong_and_public_is_refused_with_the_reason() {
    for (text, reason) in [
        (P521, BadKeys::NoneUsable),
        (RSA_1024, BadKeys::NoneUsable),
        (ED25519_PRIVATE, BadKeys::Private),
        (&format!("{P256}{ED25519_PRIVATE}"), BadKeys::Private),
        ("", BadKeys::Unreadable),
        ("{}", BadKeys::Unreadable),
        ("{\"keys\":[]}", BadKeys::NoneUsable),
        ("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n", BadKeys::NoneUsable),
        ("-----BEGIN PUBLIC KEY-----", BadKeys::NoneUsable),
        ("-----END PUBLIC KEY-----\n-----BEGIN PUBLIC KEY-----", BadKeys::Unreadable),
    ] {
        assert_eq!(of_file(text), Err(reason), "{text}");
    }
    let many = json!({ "keys": vec![json!({ "kty": "OKP", "crv": "Ed25519", "x": "A".repeat(43) }); KEYS_MAX + 1] })
        .to_string();
    assert_eq!(of_file(&many), Err(BadKeys::TooMany));
}

#[test]
fn of_what_a_provider_publishes_only_keys_for_signatures_count() {
    let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let n = "A".repeat(342);
    let good = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "good", "use": "sig" });
    let set = KeySet::of_jwks(
        json!({ "keys": [
            good,
            { "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "for something else", "use": "enc" },
            { "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "to sign", "key_ops": ["sign"] },
            { "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "of another family", "alg": "RS256" },
            { "kty": "EC", "crv": "secp256k1", "x": x, "y": y, "kid": "on an unknown curve" },
            { "kty": "EC", "crv": "P-384", "x": x, "y": y, "kid": "on the wrong curve", "alg": "ES384" },
            { "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "too weak" },
            { "kty": "RSA", "n": n, "e": "AQAB", "kid": "weak behind its zeros" },
            { "kty": "oct", "k": "c2VjcmV0", "kid": "a secret", "alg": "HS256" },
            { "kty": "new", "kid": "of a later time" },
            "nonsense",
        ] })
        .to_string()
        .as_bytes(),
    )
    .unwrap();
    let kids: Vec<_> = set.keys.iter().map(|key| key.kid.as_deref()).collect();
    assert_eq!((kids, set.passed_over), (vec![Some("good")], 10));
    assert_eq!(set.keys[0].algorithms, [Algorithm::ES256]);
}

#[test]
fn a_token_is_held_against_the_keys_of_its_name_alone() {
    let key = |kid: Option<&str>| Key { kid: kid.map(str::to_owned), ..Key::of_pem(P256.as_bytes()).unwrap() };
    let set = KeySet { keys: vec![key(Some("a")), key(Some("b")), key(None)], passed_over: 0 };
    let held_against = |kid| set.of_kid(kid).map(|key| key.kid.as_deref()).collect::<Vec<_>>();
    assert_eq!(held_against(Some("b")), [Some("b"), None]);
    assert_eq!(held_against(Some("c")), [None]);
    assert_eq!(held_against(None), [Some("a"), Some("b"), None]);
}
