//! Commands that ask a service which asks for tokens.

use std::fs;

use super::House;
use crate::harness::process::backstory;
use crate::harness::provider::token;
use crate::harness::{ANA, Kafka, call};

on_the_embedded_broker![commands_show_the_token_that_is_in_the_file_at_the_moment];

async fn commands_show_the_token_that_is_in_the_file_at_the_moment(kafka: Kafka) {
    let house = House::of(&kafka).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let url = format!("http://{}", house.service.address());
    let with_token = ["--url", &*url, "--token-file", file.to_str().unwrap()];
    let journey = ["journey", ANA, "--json"];
    let rings = ["call", "--agent", "ana", "--to", ANA];

    let (code, _, said) = backstory(&[&rings[..], &with_token[..2]].concat()).await;
    assert!(code == Some(1) && said.contains("asks for a token: name a file with one (--token-file)"), "{said}");
    let (code, _, said) = backstory(&[&journey[..], &with_token[..]].concat()).await;
    assert!(code == Some(1) && said.contains("cannot read") && said.contains("token"), "{said}");

    let mut ana = house.agent(&token("ana").signed(&house.key)).await;
    fs::write(&file, token("ana").signed(&house.key)).unwrap();
    let (code, _, said) = backstory(&[&rings[..], &with_token[..]].concat()).await;
    assert_eq!(code, Some(0), "{said}");
    ana.next_pop().await;
    let (code, _, said) = backstory(&[&journey[..], &with_token[..]].concat()).await;
    assert!(code == Some(1) && said.contains("403"), "any number is for those with a scope: {said}");

    fs::write(&file, format!("{}\n", token("ana").allows("journey:search").signed(&house.key))).unwrap();
    let (code, shown, said) = backstory(&[&journey[..], &with_token[..]].concat()).await;
    assert!(code == Some(0) && shown.contains(ANA), "{said}");

    house.service.offer(call("c-1").to("ana").number(ANA)).await;
    let (code, shown, said) = backstory(&[&["watch", "-n", "1"][..], &with_token[..]].concat()).await;
    assert!(code == Some(0) && shown.contains(ANA), "the agent is whom the token names: {said}");
}
