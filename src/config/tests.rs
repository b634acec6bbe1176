//! What a start with good and with bad settings says.

use super::*;
use crate::journey::{OutcomeClass, Source};

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
fn a_number_for_librdkafka_may_come_from_anywhere() {
    let said = |settings: Settings| settings.kafka.properties.get("session.timeout.ms").cloned();
    let flag = read_flags(&[("kafka.brokers", "host:9092"), ("kafka.properties.session.timeout.ms", "6000")]).unwrap();
    let file =
        read_file("[kafka]\nbrokers = \"host:9092\"\n[kafka.properties]\n\"session.timeout.ms\" = 6000\n").unwrap();
    assert_eq!((said(flag).as_deref(), said(file).as_deref()), (Some("6000"), Some("6000")));
}

#[test]
fn what_may_embed_a_page_is_an_origin_and_nothing_else() {
    let said = |origin: &str| {
        read_flags(&[("kafka.brokers", "host:9092"), ("http.embedded_by", &format!("[{origin:?}]"))]).map(drop)
    };
    for good in ["https://apps.example", "http://127.0.0.1:3000", "http://[::1]:3000"] {
        assert!(said(good).is_ok(), "{good}");
    }
    for bad in [
        "apps.example",
        "https://",
        "https://apps.example/",
        "https://*",
        "https://a.example; script-src *",
        "https://Apps.example",
    ] {
        assert!(said(bad).unwrap_err().to_string().contains("http.embedded_by"), "{bad}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_told_by_line_and_column_and_no_password_of_it_is_repeated() {
    for broken in ["\"sasl.password\" = \"s3cret", "\"sasl.password\" = s3cret", "\"sasl.password\" \"s3cret\""] {
        let problems = read_file(&format!("[kafka.properties]\n{broken}\n")).unwrap_err().to_string();
        assert!(problems.contains("is not TOML: line 2, column ") && !problems.contains("s3cret"), "{problems}");
    }
}

#[test]
fn the_password_of_a_store_is_not_shown() {
    let url = "postgres://ana:s3cret@db.example/journeys?application_name=x&password=s3cret";
    let settings = read_flags(&[("kafka.brokers", "host:9092"), ("journey.store", url)]).unwrap();
    let shown = format!("{:?} {}", settings.journey, settings.journey.store.without_password());
    assert!(
        shown.contains("postgres://ana@db.example/journeys?application_name=x") && !shown.contains("s3cret"),
        "{shown}"
    );
}

#[test]
fn queries_without_their_server_and_columns_that_there_are_not_are_problems() {
    let problems = read_file(
        "[kafka]\nbrokers = \"host:9092\"\n[journey.sources.data_cloud]\ninteractions = \"SELECT\"\ncolumns.adress = \"phone\"\n\
         [journey.sources.campaign_manager]\nlistings = \"SELECT\"\n",
    );
    let problems = problems.unwrap_err();
    assert_eq!(problems.0.len(), 3, "{problems}");
    for said in [
        "data_cloud.interactions needs",
        "columns.adress: there is no such column",
        "campaign_manager.interactions is missing",
    ] {
        assert!(problems.to_string().contains(said), "{problems}");
    }
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
    let settings = read_file("[kafka]\nbrokers = \"h:1\"\n[kafka.properties]\n\"socket.timeout.ms\" = 7000\nsecurity.protocol = \"SASL_SSL\"\nsasl.mechanism = \"PLAIN\"\nsasl.username = \"ana\"\nsasl.password = \"x\"\n").unwrap();
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
    for name in ["sasl.pasword", "sasl.jaas.config", "ssl.key.pem"] {
        let property = format!("kafka.properties.{name}");
        let problems = read_flags(&[
            ("kafka.brokers", "h:1"),
            (&property, "hunter2"),
            ("kafka.properties.security.protocol", "ssl"),
        ]);
        let problems = problems.unwrap_err().to_string();
        assert!(problems.contains(name) && !problems.contains("hunter2"), "{problems}");
    }
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

fn read_catalogue(text: &str) -> Result<Arc<Catalogue>, Problems> {
    read_file(&format!("[kafka]\nbrokers = \"h:1\"\n{text}")).map(|settings| settings.catalogue)
}

#[test]
fn codes_of_the_catalogue_are_data_whatever_characters_they_have() {
    let catalogue = read_catalogue(
        "[catalogue.outcomes.\"No.Answer é\"]\nlabel = \"No answer\"\n[catalogue.outcomes.NI]\nclass = \"failure\"\nreached = true\n\
         [catalogue.campaigns.\"td.2026\"]\nlabel = \"Term deposit\"\noutcomes.NI.class = \"neutral\"\n\
         [catalogue.agents]\n\"Agent 4\" = \"Duarte Melo\"\n",
    )
    .unwrap();
    assert_eq!(catalogue.outcomes["No.Answer é"].label.as_deref(), Some("No answer"));
    let no = &catalogue.outcomes["NI"];
    assert_eq!((no.class, no.reached), (Some(OutcomeClass::Failure), Some(true)));
    let campaign = &catalogue.campaigns["td.2026"];
    assert_eq!(campaign.label.as_deref(), Some("Term deposit"));
    assert_eq!(campaign.outcomes["NI"].class, Some(OutcomeClass::Neutral));
    assert_eq!(catalogue.agents["Agent 4"], "Duarte Melo");
}

#[test]
fn modes_and_channels_stand_beside_the_default_ones_or_over_them() {
    let catalogue = read_catalogue(
        "[catalogue.modes]\nfax = { label = \"Fax\", channel = \"social\" }\nmobile = { color = \"teal\" }\n\
         [catalogue.channels]\nsocial = { label = \"Social\", icon = \"chat\" }\nemail = { label = \"Mail\" }\n\
         [catalogue.sources]\ncampaign_manager.show_modes = false\ndata_cloud.show_modes = true\n",
    )
    .unwrap();
    let looks = |name: &str| {
        let mode = catalogue.modes.iter().find(|mode| mode.mode == name).unwrap();
        [&mode.label, &mode.channel, mode.icon, mode.color].map(str::to_owned)
    };
    assert_eq!(looks("fax"), ["Fax", "social", "chat", "grey"], "its channel's icon and colour");
    assert_eq!(looks("mobile"), ["Mobile", "voice", "mobile", "teal"]);
    assert_eq!(looks("home"), ["Home", "voice", "call", "green"]);
    let labels: Vec<_> = catalogue.channels.iter().map(|channel| channel.label.as_str()).collect();
    assert_eq!(labels, ["Voice", "SMS", "Mail", "Chat", "Social"]);
    assert_eq!(catalogue.without_modes, [Source::CampaignManager]);
}

#[test]
fn every_mistake_in_the_catalogue_is_named_with_its_key_and_the_choices() {
    let problems = read_catalogue(
        "[catalogue.outcome.NI]\nlabel = \"x\"\n\
         [catalogue.outcomes.\"N I\"]\nlabel = 5\nclass = \"failed\"\nreached = \"yes\"\nclas = \"x\"\n\
         [catalogue.outcomes.empty]\n\
         [catalogue.campaigns.td.outcomes.NI]\nlabel = \" \"\n\
         [catalogue.modes]\nfax = { label = \"Fax\", channel = \"pigeon\", icon = \"quill\", color = \"pink\" }\ntelex = { icon = \"call\" }\n\
         [catalogue.channels]\nsocial = 1\nletter = { icon = \"email\" }\n[catalogue.agents]\na = 1\n\
         [catalogue.sources]\nsalesforce.show_modes = false\ndata_cloud.show_modes = \"no\"\n[http]\nlisten = \"x\"\n",
    )
    .unwrap_err();
    for said in [
        "http.listen",
        "catalogue.outcome: there is no such setting; there are outcomes, campaigns",
        "catalogue.outcomes.\"N I\".label: expected a text in quotes",
        "catalogue.outcomes.\"N I\".class: \"failed\" is none of success, failure, neutral",
        "catalogue.outcomes.\"N I\".reached: expected true or false",
        "catalogue.outcomes.\"N I\".clas: there is no such setting",
        "catalogue.outcomes.empty: says nothing",
        "catalogue.campaigns.td.outcomes.NI.label: is empty",
        "catalogue.modes.fax.channel: \"pigeon\" is none of voice, sms, email, chat, letter; others are declared under catalogue.channels",
        "catalogue.modes.fax.icon: \"quill\" is none of call, mobile",
        "catalogue.modes.fax.color: \"pink\" is none of green, blue",
        "catalogue.modes.telex: label is missing",
        "catalogue.modes.telex: channel is missing",
        "catalogue.channels.social: expected a table with label, icon, color",
        "catalogue.channels.letter: label is missing",
        "catalogue.agents.a: expected a text in quotes",
        "catalogue.sources.salesforce: there is no such setting; there are campaign_manager, data_cloud",
        "catalogue.sources.data_cloud.show_modes: expected true or false",
    ] {
        assert!(problems.0.iter().any(|problem| problem.starts_with(said)), "{said} in {problems}");
    }
    assert_eq!(problems.0.len(), 18, "{problems}");
    assert!(problems.0.iter().all(|problem| problem.ends_with(".toml)")), "each says where: {problems}");
}

/// As the real provider of variables does it, which reads those of the process.
struct Variable(&'static str);

impl figment::Provider for Variable {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named("`BACKSTORY_` environment variable(s)")
    }

    fn data(&self) -> Result<figment::value::Map<figment::Profile, Dict>, figment::Error> {
        figment::Provider::data(&Serialized::default(self.0, "Ana"))
    }
}

#[test]
fn a_variable_that_would_map_another_code_than_was_meant_is_refused() {
    let Layers(figment) = Layers::new(None, &[("kafka.brokers".into(), "h:1".into())]).unwrap();
    let problems = load(&Layers(figment.merge(Variable("catalogue.agents.ana")))).unwrap_err();
    assert_eq!(problems.0.len(), 1, "{problems}");
    assert!(problems.0[0].starts_with("BACKSTORY_CATALOGUE__AGENTS__ANA: "), "{problems}");
}

#[test]
fn the_other_spelling_of_the_catalogue_is_recognised() {
    let problems = read_file("[catalog.agents]\na = \"Ana\"\n").unwrap_err().to_string();
    assert!(problems.contains("did you mean catalogue?"), "{problems}");
}

#[test]
fn an_alias_of_an_alias_or_a_ring_of_them_is_a_problem_with_its_name() {
    let read = |text: &str| read_file(&format!("[kafka]\nbrokers = \"h:1\"\n[agents.aliases]\n{text}"));
    let aliases = read("\"5551\" = \"ana\"\n\"Ext 7\" = \"ana\"\n").unwrap().aliases;
    let agent = |id: &str| aliases.agent(id.to_owned());
    assert_eq!([agent("5551"), agent("Ext 7"), agent("ana"), agent("ben")], ["ana", "ana", "ana", "ben"]);

    let problems =
        read("a = \"b\"\nb = \"c\"\nself = \"self\"\nx = \"y\"\ny = \"x\"\nempty = \"\"\nn = 7\n").unwrap_err();
    for said in [
        "agents.aliases.a: \"b\" is an alias itself: say the agent it stands for, \"c\"",
        "agents.aliases.self: the aliases lead round in a ring: \"self\" → \"self\"",
        "agents.aliases.x: the aliases lead round in a ring: \"x\" → \"y\" → \"x\"",
        "agents.aliases.y: the aliases lead round in a ring",
        "agents.aliases.empty: is empty",
        "agents.aliases.n: expected a text in quotes",
    ] {
        assert!(problems.0.iter().any(|problem| problem.starts_with(said)), "{said} in {problems}");
    }
    assert_eq!(problems.0.len(), 6, "{problems}");

    let Layers(figment) = Layers::new(None, &[("kafka.brokers".into(), "h:1".into())]).unwrap();
    let problems = load(&Layers(figment.merge(Variable("agents.aliases.ext")))).unwrap_err();
    assert!(problems.0[0].starts_with("BACKSTORY_AGENTS__ALIASES__EXT: "), "{problems}");
}

const LISTENS_EVERYWHERE: [(&str, &str); 2] = [("http.listen", "0.0.0.0:80"), ("http.admin_listen", "[::]:81")];

#[test]
fn without_authentication_the_service_listens_on_loopback_only_and_says_why() {
    let brokers = ("kafka.brokers", "h:1");
    let problems = read_flags(&[&[brokers][..], &LISTENS_EVERYWHERE].concat()).unwrap_err();
    assert_eq!(problems.0.len(), 2, "{problems}");
    for key in ["http.listen: 0.0.0.0:80", "http.admin_listen: [::]:81"] {
        let said = problems.0.iter().find(|problem| problem.starts_with(key)).unwrap();
        assert!(said.contains("not a loopback address") && said.contains("customers' histories"), "{said}");
    }
    for loopback in ["127.0.0.1:0", "[::1]:0", "127.9.9.9:1"] {
        assert!(read_flags(&[brokers, ("http.listen", loopback), ("http.admin_listen", loopback)]).is_ok());
    }
    let known = [("auth.issuer", "i"), ("auth.audience", "a"), ("auth.jwks_url", "https://login.example/keys")];
    let settings = read_flags(&[&[brokers][..], &LISTENS_EVERYWHERE, &known].concat()).unwrap();
    assert!(settings.auth.is_configured());
}

#[test]
fn half_an_authentication_is_none_and_all_that_is_missing_is_named() {
    let named = |flags: &[(&str, &str)], said: &[&str]| {
        let problems = read_flags(&[&[("kafka.brokers", "h:1")], flags].concat()).unwrap_err();
        assert_eq!(problems.0.len(), said.len(), "{problems}");
        for said in said {
            assert!(problems.0.iter().any(|problem| problem.starts_with(said)), "{said} in {problems}");
        }
    };
    named(&[("auth.issuer", "i")], &["auth.audience is missing", "auth.jwks_url or auth.keys is missing"]);
    named(&[("auth.audience", "a")], &["auth.issuer is missing", "auth.jwks_url or auth.keys is missing"]);
    named(&[("auth.jwks_url", "https://i/k")], &["auth.issuer is missing", "auth.audience is missing"]);
    let whole = [("auth.issuer", "i"), ("auth.audience", "a"), ("auth.jwks_url", "https://i/k")];
    let and = |more: &[(&str, &str)], said: &[&str]| named(&[&whole[..], more].concat(), said);
    and(&[("auth.leeway", "10m")], &["auth.leeway is more than"]);
    and(&[("auth.jwks_refresh_min", "10m")], &["auth.jwks_refresh_min is longer than auth.jwks_refresh"]);
    and(&[("auth.keys", "[\"/nowhere/key.pem\"]")], &["auth.keys: /nowhere/key.pem: "]);
    and(&[("auth.algorithms", "[\"RS256\", \"HS256\"]")], &["auth.algorithms: \"HS256\" is none of RS256"]);
    and(&[("auth.algorithms", "[\"none\"]")], &["auth.algorithms: \"none\" is none of RS256"]);
    and(&[("auth.algorithms", "[]")], &["auth.algorithms: is empty"]);
    and(
        &[("auth.agent_claim", " "), ("auth.tickets_max", "0")],
        &["auth.agent_claim: is empty", "auth.tickets_max: must"],
    );
}

#[test]
fn keys_come_over_tls_or_from_this_machine() {
    let read = |url: &str| {
        read_flags(&[("kafka.brokers", "h:1"), ("auth.issuer", "i"), ("auth.audience", "a"), ("auth.jwks_url", url)])
    };
    for good in ["https://login.example/keys?v=2", "http://127.0.0.1:9/k", "http://[::1]/k", "http://localhost:8080/k"]
    {
        assert!(read(good).is_ok(), "{good}");
    }
    for bad in [
        "http://login.example/keys",
        "http://127.0.0.1.example/k",
        "http://localhost.example/k",
        "ftp://127.0.0.1/k",
        "file:///k",
        "https://user:s3cret@login.example/k",
        "keys",
    ] {
        let problems = read(bad).unwrap_err().to_string();
        assert!(problems.contains("auth.jwks_url: ") && !problems.contains("s3cret"), "{bad}: {problems}");
    }
}

#[test]
fn every_mistake_in_the_policy_is_named_at_once() {
    let read = |text: &str| read_file(&format!("[kafka]\nbrokers = \"h:1\"\n[policy]\n{text}"));
    let policy = read("number_digits = 0\nhide = [\"names\"]\n[policy.teams]\n\"td.26\" = [\"a\", \"b\"]\nnobody = []")
        .unwrap()
        .policy;
    assert_eq!(policy.number_digits.map(|digits| digits.get()), Some(0));
    assert_eq!(
        (policy.hide.as_slice(), policy.teams["td.26"].len(), policy.teams["nobody"].len()),
        (&[Hide::Names][..], 2, 0)
    );
    let mistakes = "number_digits = 7\nhide = [\"comments\", \"number\"]\nmask = 1\n[policy.teams]\na = \"b\"\nc = [1]\nd = [\"\"]";
    let problems = read(mistakes).unwrap_err().to_string();
    for said in [
        "policy.number_digits: expected 0 to 6",
        "policy.hide: [\"number\"]: expected some of [\"comments\", \"scores\", \"names\"]",
        "policy.mask: there is no such setting",
        "policy.teams.a: expected the teams",
        "policy.teams.c: expected the teams",
        "policy.teams.d: expected the teams",
    ] {
        assert!(problems.contains(said), "{said} in {problems}");
    }
}
