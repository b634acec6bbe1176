//! Sessions that follow other agents' calls, and agents who are known by other ids.

use serde_json::{Value, json};

use crate::harness::{ANA, Agent, BEN, Kafka, Service, call, ids, interaction, seconds_ago};

on_both_brokers![
    a_supervisor_follows_the_calls_of_several_agents,
    a_list_of_agents_that_is_too_long_is_refused,
    an_agent_whom_events_know_by_another_id_sees_the_calls,
];

fn subscribe(agents: &[&str]) -> Value {
    json!({ "type": "subscribe", "agents": agents })
}

/// The frames of two calls come in any order.
async fn next_two(agent: &mut Agent) -> [Value; 2] {
    let mut frames = [agent.next_frame().await, agent.next_frame().await];
    frames.sort_by_key(|frame| frame["call"]["agentId"].to_string());
    frames
}

async fn a_supervisor_follows_the_calls_of_several_agents(kafka: Kafka) {
    let service = Service::start(&kafka).await;
    service.record(&[interaction("i-1").on(ANA)]).await;
    service.offer(call("c-1").to("ana").at(seconds_ago(20))).await;
    let mut eva = service.agent("eva").await;
    eva.says(subscribe(&["ana", "ben"])).await;
    let pop = eva.next_pop().await;
    assert_eq!((&pop["call"]["agentId"], &pop["announce"]), (&json!("ana"), &json!(false)));
    assert_eq!(ids(&pop["timeline"]), ["i-1"]);

    // The same call at another agent, who takes it.
    service.offer(call("c-1").to("ben").at(seconds_ago(20))).await;
    assert_eq!(eva.next_pop().await["call"]["agentId"], "ben");
    service.connect(call("c-1").to("ben").at(seconds_ago(10))).await;
    let ended = eva.next_ended().await;
    assert_eq!(
        (&ended["agentId"], &ended["callId"], &ended["reason"]),
        (&json!("ana"), &json!("c-1"), &json!("taken"))
    );
    let update = eva.next_update().await;
    assert_eq!((&update["agentId"], &update["call"]["state"]), (&json!("ben"), &json!("connected")));

    service.record(&[interaction("i-2").on(ANA)]).await;
    assert_eq!(eva.next_update().await["interactions"][0]["interactionId"], "i-2");
    assert_eq!(ids(&eva.finds(json!({ "number": ANA })).await), ["i-2", "i-1"]);
    assert_eq!(eva.searches(json!({ "number": BEN })).await["code"], "forbidden");

    eva.says(subscribe(&[])).await;
    eva.was_told_nothing().await;
    service.end(call("c-1").to("ben")).await;
    eva.was_told_nothing().await;
}

async fn a_list_of_agents_that_is_too_long_is_refused(kafka: Kafka) {
    let service = Service::with(&kafka, &[("http.subscribed_agents_max", "2")]).await;
    let mut eva = service.agent("eva").await;
    eva.says(subscribe(&["ana", "ana", "ben", "eva"])).await;
    eva.was_told_nothing().await;
    eva.says(subscribe(&["ana", "ben", "rui"])).await;
    let error = eva.next("error").await;
    assert_eq!(error["code"], "too_many_agents");
    assert!(error["text"].as_str().unwrap().contains("may follow 2 agents"), "{error}");
    service.offer(call("c-1").to("ben")).await;
    service.offer(call("c-2").to("ana")).await;
    let [anas, bens] = next_two(&mut eva).await;
    assert_eq!(
        (&anas["call"]["callId"], &bens["call"]["callId"]),
        (&json!("c-2"), &json!("c-1")),
        "the list before holds"
    );
}

async fn an_agent_whom_events_know_by_another_id_sees_the_calls(kafka: Kafka) {
    let service = Service::with(&kafka, &[("agents.aliases.ext-5551", "ana"), ("agents.aliases.desk-7", "ana")]).await;
    let (mut ana, mut desk, mut eva) =
        (service.agent("ana").await, service.agent("desk-7").await, service.agent("eva").await);
    assert_eq!(desk.welcome["agent"], "ana");
    eva.says(subscribe(&["ext-5551"])).await;
    eva.was_told_nothing().await;
    service.offer(call("c-1").to("ext-5551")).await;
    for agent in [&mut ana, &mut desk, &mut eva] {
        let pop = agent.next_pop().await;
        assert_eq!((&pop["call"]["callId"], &pop["call"]["agentId"]), (&json!("c-1"), &json!("ana")));
    }
    // An event under the agent's own id goes on with the same call.
    service.connect(call("c-1").to("ana")).await;
    assert_eq!(ana.next_update().await["call"]["state"], "connected");
}
