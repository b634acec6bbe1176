//! Checks of this machine: the addresses to listen on.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use super::Finding;
use crate::tools::service::local_url;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Free, or taken by a service of ours.
pub async fn listen(key: &str, address: SocketAddr, is_tls: bool) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(key, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if alive(address, is_tls).await {
                return Finding::ok(key, format!("a service answers at {address} already"));
            }
            let todo = format!("stop the other program, or set {key} to another port");
            Finding::fail(key, format!("{address} is taken by another program"), todo)
        }
        Err(error) => {
            Finding::fail(key, format!("{address}: {error}"), format!("set {key} to an address of this machine"))
        }
    }
}

async fn alive(address: SocketAddr, is_tls: bool) -> bool {
    // Whose certificate it is does not matter here: nothing is told to it, and nothing believed.
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).tls_danger_accept_invalid_certs(true);
    let Ok(client) = client.build() else { return false };
    let url = format!("{}/livez", local_url(address, is_tls));
    let Ok(answer) = client.get(url).send().await else { return false };
    answer.status().is_success() && answer.text().await.is_ok_and(|body| body.trim() == "alive")
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[tokio::test]
    async fn an_address_that_another_program_has_fails() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(listen("http.listen", taken.local_addr().unwrap(), false).await.state, State::Fail);
    }
}
