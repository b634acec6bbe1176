//! TLS: who speaks it, under which certificate, and what becomes of open sessions when that changes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use backstory::config::{Layers, load};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::raw::Raw;
use crate::harness::papers::{Client, Papers};
use crate::harness::{Agent, Kafka, Service, call, until};

const BOTH: &[&rustls::SupportedProtocolVersion] = &[&TLS12, &TLS13];
const SESSIONS: usize = 1000;

on_the_embedded_broker![
    tls_1_2_and_1_3_are_spoken_and_nothing_older,
    a_certificate_is_rotated_under_a_thousand_open_sessions_and_none_is_dropped,
    a_certificate_that_is_of_no_use_leaves_the_old_one_and_is_counted_once,
    where_clients_are_asked_for_certificates_nobody_comes_in_without_the_right_one,
    a_slow_tls_handshake_ends_and_holds_up_nobody,
    garbage_instead_of_tls_holds_up_nobody,
    pages_under_tls_stay_there_and_pages_without_it_are_strangers,
    settings_of_tls_that_cannot_be_used_are_refused_at_the_start,
];

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

async fn is_shown_its_call(service: &Service, agent: &mut Agent, id: &str) {
    service.offer(call(&format!("c-{id}")).to(id)).await;
    agent.next_pop().await;
}

/// A greeting of TLS 1.1: the last that may not be spoken any more.
fn greeting_of_1_1() -> Vec<u8> {
    let mut hello = vec![0x03, 0x02];
    hello.extend([7; 32]);
    hello.extend([0, 0, 4, 0xc0, 0x13, 0xc0, 0x09, 1, 0]);
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3];
    hello.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    hello.extend(extensions);
    let length = u32::try_from(hello.len()).unwrap().to_be_bytes();
    let message = [&[1], &length[1..], &hello[..]].concat();
    [&[0x16, 0x03, 0x01][..], &u16::try_from(message.len()).unwrap().to_be_bytes(), &message].concat()
}

async fn tls_1_2_and_1_3_are_spoken_and_nothing_older(kafka: Kafka) {
    let papers = Papers::new();
    let service = papers.service(&kafka, &[]).await;
    for (id, version) in [("ana", &TLS12), ("ben", &TLS13)] {
        let client = papers.client(&[version], None);
        let line = client.line(&service).await.unwrap();
        assert_eq!(line.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(line.get_ref().1.alpn_protocol(), None, "a client that asks for none gets none");
        let mut agent = client.agent(&service, id).await;
        is_shown_its_call(&service, &mut agent, id).await;
    }
    let mut old = Raw::to(&service).await;
    old.says(greeting_of_1_1()).await;
    let answer = old.rest().await;
    assert_eq!((answer.first(), answer.get(5..7)), (Some(&0x15), Some(&[2, 70][..])), "fatal: protocol_version");
    let left = service.metric("backstory_tls_certificate_expiry_seconds", &[]).await;
    assert!(left > 86_400.0, "{left}");
}

async fn thousand(client: &Client, service: &Service) -> Vec<Agent> {
    let mut agents = Vec::new();
    for nth in 0..SESSIONS {
        agents.push(client.agent(service, &format!("agent-{nth}")).await);
    }
    agents
}

async fn a_certificate_is_rotated_under_a_thousand_open_sessions_and_none_is_dropped(kafka: Kafka) {
    let papers = Papers::new();
    let service = papers.service(&kafka, &[("http.heartbeat", "60s")]).await;
    let client = papers.client(BOTH, None);
    let mut agents = thousand(&client, &service).await;
    let old = client.sees(&service).await;
    let new = papers.sign("localhost");
    papers.lay_out(&new);
    until("new connections to see the new certificate", async || {
        (client.sees(&service).await == der(&new.0)).then_some(())
    })
    .await;
    assert_ne!(old, der(&new.0));
    for agent in &mut agents {
        agent.says(json!({ "type": "ping" })).await;
    }
    for agent in &mut agents {
        agent.next("pong").await;
    }
    assert_eq!(service.metric("backstory_sessions", &[]).await, SESSIONS as f64);
    is_shown_its_call(&service, &mut agents[7], "agent-7").await;
    let mut comes = client.agent(&service, "comes").await;
    is_shown_its_call(&service, &mut comes, "comes").await;
    service.counts_exactly("backstory_tls_reloads_total", &[("result", "done")], 1.0).await;
}

async fn a_certificate_that_is_of_no_use_leaves_the_old_one_and_is_counted_once(kafka: Kafka) {
    let papers = Papers::new();
    let service = papers.service(&kafka, &[]).await;
    let client = papers.client(BOTH, None);
    let mut ana = client.agent(&service, "ana").await;
    let old = client.sees(&service).await;
    // Another's: the key does not belong to it.
    fs::write(papers.path("cert.pem"), papers.sign("localhost").0).unwrap();
    let failed = [("result", "failed")];
    service.counts("backstory_tls_reloads_total", &failed, 1.0).await;
    assert_eq!(client.sees(&service).await, old);
    is_shown_its_call(&service, &mut ana, "ana").await;
    fs::write(papers.path("cert.pem"), "-----BEGIN CERTIFICATE-----\nhalf").unwrap();
    service.counts("backstory_tls_reloads_total", &failed, 2.0).await;
    assert_eq!(client.sees(&service).await, old);
    let new = papers.sign("localhost");
    papers.lay_out(&new);
    service.counts("backstory_tls_reloads_total", &[("result", "done")], 1.0).await;
    assert_eq!(client.sees(&service).await, der(&new.0));
    assert_eq!(service.metric("backstory_tls_reloads_total", &failed).await, 2.0, "once for each content");
}

/// Whether a client is let in: with TLS 1.3 it hears of it only when it reads.
async fn comes_in(client: &Client, service: &Service) -> bool {
    let Ok(mut line) = client.line(service).await else { return false };
    _ = line.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    let mut answer = Vec::new();
    _ = line.read_to_end(&mut answer).await;
    answer.starts_with(b"HTTP/1.1 200")
}

async fn where_clients_are_asked_for_certificates_nobody_comes_in_without_the_right_one(kafka: Kafka) {
    let (papers, others) = (Papers::new(), Papers::new());
    let ca = papers.path("ca.pem");
    let service = papers.service(&kafka, &[("http.tls.client_ca", ca.to_str().unwrap())]).await;
    let (own, foreign) = (papers.sign("ana"), others.sign("ana"));
    for version in BOTH {
        assert!(comes_in(&papers.client(&[*version], Some(&own)), &service).await);
        assert!(!comes_in(&papers.client(&[*version], None), &service).await, "without a certificate");
        assert!(!comes_in(&papers.client(&[*version], Some(&foreign)), &service).await, "another authority's");
    }
    let mut ana = papers.client(BOTH, Some(&own)).agent(&service, "ana").await;
    is_shown_its_call(&service, &mut ana, "ana").await;
    service.counts("backstory_tls_handshakes_total", &[("result", "failed")], 4.0).await;
}

async fn a_slow_tls_handshake_ends_and_holds_up_nobody(kafka: Kafka) {
    let papers = Papers::new();
    let service = papers.service(&kafka, &[("http.header_timeout", "1s")]).await;
    let client = papers.client(BOTH, None);
    let mut slow = Vec::new();
    for half in [&[][..], &[0x16], &greeting_of_1_1()[..20]] {
        let mut raw = Raw::to(&service).await;
        raw.says(half).await;
        slow.push(raw);
    }
    let mut ana = client.agent(&service, "ana").await;
    is_shown_its_call(&service, &mut ana, "ana").await;
    for raw in &mut slow {
        raw.is_closed().await;
    }
    service.counts_exactly("backstory_tls_handshakes_total", &[("result", "late")], 3.0).await;
}

async fn garbage_instead_of_tls_holds_up_nobody(kafka: Kafka) {
    let papers = Papers::new();
    let service = papers.service(&kafka, &[]).await;
    for garbage in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], &[0xff; 600], &[0x16, 3, 1, 0xff, 0xff]] {
        let mut raw = Raw::to(&service).await;
        raw.says(garbage).await;
        _ = raw.0.shutdown().await;
        let answer = raw.rest().await;
        assert!(!answer.starts_with(b"HTTP"), "nothing is said without TLS");
    }
    let mut ana = papers.client(BOTH, None).agent(&service, "ana").await;
    is_shown_its_call(&service, &mut ana, "ana").await;
    assert!(service.metric("backstory_connections", &[]).await < 10.0);
}

async fn pages_under_tls_stay_there_and_pages_without_it_are_strangers(kafka: Kafka) {
    let papers = Papers::new();
    let service = papers.service(&kafka, &[]).await;
    let client = papers.client(BOTH, None);
    let address = service.socket_address();
    for (origin, comes) in [(format!("https://{address}"), true), (format!("http://{address}"), false)] {
        let line = client.line(&service).await.unwrap();
        let answer = Agent::shake_hands(line, address, &[("origin", &origin)]).await.err();
        assert_eq!(answer, (!comes).then_some(403), "{origin}");
    }
    let mut line = client.line(&service).await.unwrap();
    line.write_all(b"GET /v1/info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    _ = tokio::time::timeout(Duration::from_secs(15), line.read_to_string(&mut answer)).await;
    assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
}

async fn settings_of_tls_that_cannot_be_used_are_refused_at_the_start(_: Kafka) {
    let papers = Papers::new();
    papers.lay_out(&papers.sign("localhost"));
    let (cert, key, absent) = (papers.path("cert.pem"), papers.path("key.pem"), papers.path("absent.pem"));
    let problem = |set: &[(&str, &std::path::Path)]| {
        let mut all = vec![("kafka.brokers".to_owned(), "embedded".to_owned())];
        all.extend(set.iter().map(|(name, path)| (format!("http.tls.{name}"), path.display().to_string())));
        load(&Layers::new(None, &all).unwrap()).err().map(|problems| problems.to_string()).unwrap_or_default()
    };
    assert_eq!(problem(&[("certificate", &cert), ("key", &key)]), "");
    for (set, said) in [
        (&[("certificate", &*cert)][..], "belong together"),
        (&[("client_ca", &*cert)], "http.tls.certificate is missing"),
        (&[("certificate", &*absent), ("key", &*key)], "http.tls.certificate: cannot read"),
        (&[("certificate", &*key), ("key", &*key)], "no certificate in it"),
        (&[("certificate", &*cert), ("key", &*cert)], "everybody on this machine may read"),
        (&[("certificate", &*papers.path("ca.pem")), ("key", &*key)], "do not belong together"),
    ] {
        let problem = problem(set);
        assert!(problem.contains(said), "{said}: {problem}");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o604)).unwrap();
    let problem = problem(&[("certificate", &cert), ("key", &key)]);
    assert!(problem.contains("everybody on this machine may read"), "{problem}");
}
