//! The Autobahn suite against the service's end of a WebSocket, which says back what it hears: `make autobahn`.
//!
//! Passed over where `AUTOBAHN`, the command of its `wstest`, is not set: it needs Python 2.7. Left out are its cases of
//! compression, which is not offered.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use backstory::push::line::{Line, Read};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Some cases send a message of this size.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// All but those of compression.
const CASES: usize = 301;
const AGENT: &str = "backstory";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_is_answered_as_the_standard_says_and_closed_in_order() {
    let Ok(wstest) = std::env::var("AUTOBAHN") else {
        return eprintln!("passed over: `make autobahn` runs it");
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(says_back(stream));
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let (spec, reports) = (folder.path().join("spec.json"), folder.path().join("reports"));
    let what = json!({ "outdir": reports, "servers": [{ "agent": AGENT, "url": url }], "cases": ["*"],
                       "exclude-cases": ["12.*", "13.*"], "exclude-agent-cases": {} });
    std::fs::write(&spec, what.to_string()).unwrap();
    let mut words = wstest.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["-m", "fuzzingclient", "-s"]).arg(&spec);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let index = std::fs::read(reports.join("index.json")).unwrap_or_else(|error| panic!("{error}: {said}"));
    let index: Value = serde_json::from_slice(&index).unwrap();
    judge(index[AGENT].as_object().unwrap());
}

fn judge(cases: &serde_json::Map<String, Value>) {
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (case, result) in cases {
        let of = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
        let (behavior, close) = (of("behavior"), of("behaviorClose"));
        *counted.entry(format!("{behavior}, closed {close}")).or_default() += 1;
        let good = |word: &str| matches!(word, "OK" | "INFORMATIONAL");
        // Where more than one behaviour is right, the suite says which of them it saw.
        if !(good(&behavior) || behavior == "NON-STRICT") || !good(&close) {
            wrong.push(format!("{case}: {behavior}, closed {close}"));
        }
    }
    println!("autobahn: {} cases: {counted:?}", cases.len());
    assert!(wrong.is_empty(), "{} cases went wrong: {wrong:#?}", wrong.len());
    assert_eq!(cases.len(), CASES, "cases are missing");
}

/// The service's own end of the line, after a handshake that asks for nothing.
async fn says_back(mut stream: TcpStream) {
    let Some(key) = key_of(&mut stream).await else { return };
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    if stream.write_all(answer.as_bytes()).await.is_err() {
        return;
    }
    let mut line = Line::upgraded(stream, MESSAGE_BYTES_MAX, WRITE_TIMEOUT).await;
    loop {
        let said = match line.read().await {
            Ok(Read::Text(text)) => line.write_text(text.into()).await,
            Ok(Read::Binary(bytes)) => line.write_binary(bytes).await,
            Ok(Read::Control) => Ok(()),
            Ok(Read::TooLarge) => return line.close(3503, "too large").await,
            Err(_) => return,
        };
        if said.is_err() {
            return;
        }
    }
}

async fn key_of(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")).map(|(_, key)| key.to_owned())
}
