//! Checks of authentication: whether the keys that tokens are verified with can be had.

use super::Finding;
use crate::auth::{BadKeys, KeySet, Provider};
use crate::config::{Auth, JwksUrl};
use crate::tools::output;

const CHECK: &str = "auth";

/// Files were read with the settings, so only what they hold is to be said.
pub async fn check(auth: &Auth) -> Vec<Finding> {
    if !auth.is_configured() {
        let text = "not configured: agents name themselves, and the service listens on loopback only";
        return vec![Finding::ok(CHECK, text)];
    }
    let mut findings = Vec::new();
    for file in &auth.keys {
        let read = std::fs::read(file).map_err(|_| BadKeys::Unreadable).and_then(|bytes| KeySet::of_file(&bytes));
        findings.push(match read {
            Ok(keys) => Finding::ok(CHECK, format!("{}: {}", file.display(), counted(&keys))),
            Err(error) => Finding::fail(CHECK, format!("{}: {error}", file.display()), "mend the file of auth.keys"),
        });
    }
    if let Some(url) = &auth.jwks_url {
        findings.push(provider(url).await);
    }
    findings
}

async fn provider(url: &JwksUrl) -> Finding {
    let address = url.get();
    let todo = "look whether auth.jwks_url is what the identity provider says (jwks_uri of its openid-configuration), and \
                whether this machine reaches it; the service starts without, and refuses tokens until the keys are there";
    let provider = match Provider::at(url) {
        Ok(provider) => provider,
        Err(error) => {
            return Finding::fail(CHECK, format!("{address}: {error}"), "install this system's root certificates");
        }
    };
    match provider.keys().await {
        Ok(keys) => Finding::ok(CHECK, format!("{address}: {}", counted(&keys))),
        Err(error) => Finding::fail(CHECK, format!("{address}: {error}"), todo),
    }
}

fn counted(keys: &KeySet) -> String {
    let others = match keys.passed_over {
        0 => String::new(),
        others => format!(", and {others} that are for something else or too weak"),
    };
    format!("{} that tokens may be signed with{others}", output::counted(keys.len() as u64, "key"))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use crate::config::{Layers, load_without_kafka};

    async fn found(flags: &[(&str, &str)]) -> Vec<Finding> {
        let flags: Vec<_> = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        check(&load_without_kafka(&Layers::new(None, &flags).unwrap()).unwrap().auth).await
    }

    #[tokio::test]
    async fn a_provider_that_does_not_answer_fails_and_says_what_to_look_at() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://{nobody}/keys");
        let found = found(&[("auth.issuer", "i"), ("auth.audience", "a"), ("auth.jwks_url", &url)]).await;
        assert_eq!((found.len(), found[0].state), (1, State::Fail));
        assert!(found[0].text.contains(&url) && found[0].todo.as_deref().unwrap().contains("jwks_uri"), "{found:?}");
    }

    #[tokio::test]
    async fn without_authentication_it_says_so() {
        let found = found(&[]).await;
        assert_eq!((found.len(), found[0].state), (1, State::Ok));
        assert!(found[0].text.contains("loopback only"));
    }
}
