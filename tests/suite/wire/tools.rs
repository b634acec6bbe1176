//! The commands that ask a running service, over TLS.

use crate::harness::papers::{Papers, write_secret};
use crate::harness::process::backstory;
use crate::harness::{Kafka, Service, call, until};

on_the_embedded_broker![
    watch_and_journey_work_over_tls_with_an_authority_of_ones_own,
    a_command_shows_its_certificate_where_clients_are_asked_for_one,
    check_says_whom_the_certificate_is_for_and_how_long,
];

fn url(service: &Service) -> String {
    format!("https://localhost:{}", service.socket_address().port())
}

async fn watch_and_journey_work_over_tls_with_an_authority_of_ones_own(kafka: Kafka) {
    let (papers, others) = (Papers::new(), Papers::new());
    let service = papers.service(&kafka, &[]).await;
    let (url, ca) = (url(&service), papers.path("ca.pem").display().to_string());
    service.offer(call("c-1")).await;
    let (code, shown, said) = backstory(&["watch", "--agent", "ana", "-n", "1", "--url", &url, "--ca", &ca]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(shown.contains("+1"), "{shown}");
    let (code, shown, said) = backstory(&["journey", "+12015550142", "--json", "--url", &url, "--ca", &ca]).await;
    assert!(code == Some(0) && shown.contains("+12015550142"), "{said}");
    let foreign = others.path("ca.pem").display().to_string();
    for trust in [&["--ca", &*foreign][..], &[]] {
        let asked = [&["journey", "+12015550142", "--url", &*url][..], trust].concat();
        let (code, _, said) = backstory(&asked).await;
        assert_eq!(code, Some(1), "an authority that nobody named is not believed: {said}");
    }
}

async fn a_command_shows_its_certificate_where_clients_are_asked_for_one(kafka: Kafka) {
    let papers = Papers::new();
    let ca = papers.path("ca.pem").display().to_string();
    let service = papers.service(&kafka, &[("http.tls.client_ca", &ca)]).await;
    let (certificate, key) = papers.sign("operator");
    let identity = papers.path("identity.pem");
    write_secret(&identity, &format!("{certificate}{key}"));
    let (url, identity) = (url(&service), identity.display().to_string());
    let asked = ["journey", "+12015550142", "--url", &*url, "--ca", &*ca];
    assert_eq!(backstory(&asked).await.0, Some(1));
    let (code, _, said) = backstory(&[&asked[..], &["--identity", &*identity]].concat()).await;
    assert_eq!(code, Some(0), "{said}");
}

async fn check_says_whom_the_certificate_is_for_and_how_long(kafka: Kafka) {
    let papers = Papers::new();
    let service = papers.service(&kafka, &[]).await;
    let set = |key: &str, value: String| ["--set".to_owned(), format!("{key}={value}")];
    let settings = [
        set("http.listen", service.socket_address().to_string()),
        set("http.tls.certificate", papers.path("cert.pem").display().to_string()),
        set("http.tls.key", papers.path("key.pem").display().to_string()),
        set("journey.store", format!("sqlite:{}", papers.path("store.db").display())),
    ];
    let arguments: Vec<String> = ["check".to_owned()].into_iter().chain(settings.into_iter().flatten()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let shown = until("check to see the service", async || {
        let (_, shown, _) = backstory(&arguments).await;
        shown.contains("a service answers").then_some(shown)
    })
    .await;
    assert!(shown.contains("the certificate is for localhost, 127.0.0.1, and expires on "), "{shown}");
}
