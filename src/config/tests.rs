//! What a start with good and with bad settings says.

use super::*;

fn read_flags(flags: &[(&str, &str)]) -> Result<Settings, Problems> {
    let flags: Vec<(String, String)> =
        flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    load(&Layers::new(None, &flags)?)
}

fn read_file(text: &str) -> Result<Settings, Problems> {
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), text).unwrap();
    load(&Layers::new(Some(file.path()), &[])?)
}

#[test]
fn every_default_is_of_its_kind() {
    let settings = read_flags(&[("kafka.brokers", "host:9092")]).unwrap();
    assert_eq!(settings.journey.interactions_max, 500);
    assert_eq!(settings.calls.age_max.as_secs(), 60);
}

#[test]
fn a_file_with_five_mistakes_reports_five() {
    let problems = read_file(
        "[http]\nlisten = \"0.0.0.0:80\"\n[kafka]\nbroker = \"host:9092\"\n[calls]\nage_max = \"soon\"\n\
         [journey]\nperiod_months = 7\ndefault_region = \"Portugal\"\n",
    )
    .unwrap_err();
    // The fifth and the sixth are one slip: brokers misspelt, and so brokers missing.
    assert_eq!(problems.0.len(), 6, "{problems}");
    for said in [
        "http.listen",
        "kafka.broker:",
        "did you mean kafka.brokers?",
        "calls.age_max",
        "period_months",
        "default_region",
        "kafka.brokers is not set",
    ] {
        assert!(problems.to_string().contains(said), "{said} in {problems}");
    }
}

#[test]
fn without_brokers_both_choices_are_named() {
    let problems = read_flags(&[]).unwrap_err().to_string();
    assert!(problems.contains("kafka.brokers = \"host:9092\"") && problems.contains("\"embedded\""), "{problems}");
}

#[test]
fn librdkafka_properties_pass_through_and_what_librdkafka_refuses_is_said() {
    let settings = read_file("[kafka]\nbrokers = \"h:1\"\n[kafka.properties]\n\"socket.timeout.ms\" = 7000\nsecurity.protocol = \"SASL_SSL\"\n").unwrap();
    assert_eq!(settings.kafka.properties["socket.timeout.ms"], "7000");
    assert_eq!(settings.kafka.properties["security.protocol"], "SASL_SSL");
    let problems =
        read_file("[kafka]\nbrokers = \"h:1\"\n[kafka.properties]\n\"sokket.timeout\" = 1\n\"group.id\" = \"mine\"\n")
            .unwrap_err();
    assert_eq!(problems.0.len(), 2, "{problems}");
}

#[test]
fn a_secret_comes_from_a_file_and_stays_out_of_problems() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "hunter2\n").unwrap();
    let path = secret.path().display().to_string();
    let settings = read_flags(&[("kafka.brokers", "h:1"), ("kafka.properties.sasl.password.file", &path)]).unwrap();
    assert_eq!(settings.kafka.properties["sasl.password"], "hunter2");
    let both = format!(
        "[kafka]\nbrokers = \"h:1\"\n[kafka.properties]\n\"sasl.password\" = \"x\"\n\"sasl.password.file\" = \"{path}\"\n"
    );
    let problems = read_file(&both).unwrap_err().to_string();
    assert!(problems.contains("leave one out") && !problems.contains("hunter2"), "{problems}");
    assert!(!format!("{settings:?}").contains("hunter2"));
    std::fs::write(secret.path(), "").unwrap();
    let problems = read_flags(&[("kafka.brokers", "h:1"), ("kafka.properties.sasl.password.file", &path)]).unwrap_err();
    assert!(problems.to_string().contains("is empty"), "{problems}");
    assert!(is_secret("sasl.password") && is_secret("ssl.key.pem") && !is_secret("sasl.username"));
}

#[test]
fn variables_name_keys_and_librdkafka_properties() {
    assert_eq!(key_of_variable("HTTP__LISTEN"), "http.listen");
    assert_eq!(key_of_variable("KAFKA__REPLAY_WINDOW"), "kafka.replay_window");
    assert_eq!(key_of_variable("KAFKA__PROPERTIES__SASL_USERNAME"), "kafka.properties.sasl.username");
}

#[test]
fn a_file_that_is_no_toml_is_named_with_the_place() {
    let problems = read_file("[http\n").unwrap_err().to_string();
    assert!(problems.contains("is not TOML") && problems.contains("line 1"), "{problems}");
}
