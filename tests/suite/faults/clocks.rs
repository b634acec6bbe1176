//! A dialler whose clock is wrong: its events decide among each other by the times that they carry, whatever those are.

use chrono::TimeDelta;

use super::Scene;
use super::dialler::Clock;
use crate::harness::Kafka;

on_kafka![
    a_dialler_a_minute_slow_is_followed,
    a_dialler_a_minute_fast_is_followed,
    a_dialler_whose_clock_jumps_is_followed_by_the_times_that_it_says,
];

async fn by(kafka: Kafka, test: &str, clock: Clock) {
    let mut scene = Scene::with_nodes(kafka, 2).await;
    scene.dialler.goes_by(clock);
    for _ in 0..2 {
        scene.while_calls_go_on(async |_, office| office.all_move_on()).await;
    }
    scene.keeps_its_promises(test).await;
}

async fn a_dialler_a_minute_slow_is_followed(kafka: Kafka) {
    by(kafka, "a clock is a minute slow", Clock::Off(TimeDelta::seconds(-60))).await;
}

async fn a_dialler_a_minute_fast_is_followed(kafka: Kafka) {
    by(kafka, "a clock is a minute fast", Clock::Off(TimeDelta::seconds(60))).await;
}

async fn a_dialler_whose_clock_jumps_is_followed_by_the_times_that_it_says(kafka: Kafka) {
    by(kafka, "a clock jumps", Clock::Jumping(TimeDelta::seconds(60))).await;
}
