//! What mappings make of foreign records, and what is said about mappings that cannot be used.

use serde_json::json;

use super::*;

const HEAD: &str = "time_zone = \"Europe/Lisbon\"\ntime_format = \"%d/%m/%Y %H:%M\"\n[fields]\n";
/// What every interaction must have.
const REQUIRED: &str = "interactionId = \"id\"\nsource = { value = \"campaign_manager\" }\naddress = \"phone\"\n\
                        channel = { value = \"voice\" }\nstartedAt = \"at\"\n";

fn map(text: &str) -> Map {
    file::read(Path::new("map.toml"), text).unwrap()
}

fn problems(text: &str) -> Vec<String> {
    file::read(Path::new("map.toml"), text).unwrap_err()
}

/// A mapping of interactions with these rules beside the required ones.
fn with(rules: &str) -> Map {
    map(&[HEAD, REQUIRED, rules].concat())
}

/// What becomes of an object that has what is required, and more.
fn mapped(map: &Map, more: Value) -> Result<(Value, Vec<Remark>), Reason> {
    let mut object = json!({ "id": "i-1", "phone": "2015550142", "at": "09/05/2026 11:30" });
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut remarks = Vec::new();
    let record = map.object(&object, &mut vec![false; map.sources.len()], &mut remarks)?;
    Ok((serde_json::from_slice(&record).unwrap(), remarks))
}

fn field(map: &Map, more: Value, name: &str) -> Value {
    mapped(map, more).unwrap().0[name].clone()
}

#[test]
fn fields_are_renamed_and_constants_added() {
    let (record, remarks) = mapped(&with(""), json!({})).unwrap();
    assert_eq!(
        record,
        json!({ "interactionId": "i-1", "source": "campaign_manager", "address": "2015550142", "channel": "voice",
                "startedAt": "2026-05-09T10:30:00Z" })
    );
    assert_eq!(remarks, []);
}

#[test]
fn several_source_fields_are_joined_without_the_empty_ones_and_one_serves_for_several() {
    let map = with("comments = { from = [\"a\", \"b\", \"id\"], join = \" / \" }\ncontactId = \"id\"");
    assert_eq!(field(&map, json!({ "a": " x ", "b": "" }), "comments"), "x / i-1");
    assert_eq!(field(&map, json!({}), "contactId"), "i-1");
}

#[test]
fn values_are_mapped_and_one_without_an_entry_is_kept_and_remarked_on() {
    let map =
        with("[fields.outcome.code]\nfrom = \"d\"\nvalues = { NI = \"declined\", none = \"\", \"\" = \"unset\" }");
    let code = |given: &str| {
        let (record, remarks) = mapped(&map, json!({ "d": given })).unwrap();
        (record["outcome"]["code"].as_str().map(str::to_owned), remarks)
    };
    assert_eq!(code("NI"), (Some("declined".into()), vec![]));
    assert_eq!(code("ni"), (Some("ni".into()), vec![Remark::NoEntry("outcome.code")]));
    assert_eq!(code("none"), (None, vec![]), "mapped to nothing");
    assert_eq!(code(""), (Some("unset".into()), vec![]));
}

#[test]
fn a_star_is_the_entry_of_every_other_value_but_not_of_none() {
    let map = with("direction = { from = \"d\", values = { in = \"inbound\", \"*\" = \"outbound\" } }");
    assert_eq!(mapped(&map, json!({ "d": "dialled" })).unwrap().1, []);
    assert_eq!(field(&map, json!({ "d": "dialled" }), "direction"), "outbound");
    assert_eq!(field(&map, json!({ "d": "" }), "direction"), Value::Null);
}

#[test]
fn numbers_may_have_a_comma_for_their_decimals() {
    let map = with("currentScore = { from = \"s\", decimal = \",\" }\npreviousScore = \"s\"");
    let scores = |given: &str| {
        let (record, _) = mapped(&map, json!({ "s": given })).unwrap();
        (record["currentScore"].clone(), record["previousScore"].clone())
    };
    assert_eq!(scores("4,5"), (json!(4.5), json!("4,5")), "what is no number stays text, to be refused by name");
    assert_eq!(scores("1.234"), (json!("1.234"), json!(1.234)), "thousands, or decimals? nobody knows");
    assert_eq!(scores("45"), (json!(45.0), json!(45.0)));
}

#[test]
fn truths_and_numbers_may_be_mapped() {
    let map = with(
        "outcome.code = \"id\"\noutcome.reached = { from = \"r\", values = { Y = true, N = false } }\n\
         currentScore = { from = \"r\", values = { Y = 10 } }",
    );
    let (record, _) = mapped(&map, json!({ "r": "Y" })).unwrap();
    assert_eq!((&record["outcome"]["reached"], &record["currentScore"]), (&json!(true), &json!(10)));
}

#[test]
fn a_duration_makes_an_end_and_an_empty_one_none() {
    let map = with("endedAt = { from = \"at\", plus = \"took\" }");
    assert_eq!(field(&map, json!({ "took": 261 }), "endedAt"), "2026-05-09T10:34:21Z");
    assert_eq!(field(&map, json!({ "took": "1:00:01" }), "endedAt"), "2026-05-09T11:30:01Z");
    assert_eq!(field(&map, json!({ "took": "" }), "endedAt"), Value::Null);
    assert_eq!(mapped(&map, json!({ "took": "long" })).unwrap_err(), Reason::Duration("endedAt"));
    // Counted from the moment, not on the clock: at two the clocks go back to one.
    let over = json!({ "at": "25/10/2026 00:30", "took": "2:00:00" });
    assert_eq!(field(&map, over, "endedAt"), "2026-10-25T01:30:00Z");
}

#[test]
fn a_time_that_cannot_be_read_is_refused_and_one_that_comes_twice_is_remarked_on() {
    let map = with("");
    assert_eq!(mapped(&map, json!({ "at": "2026-05-09" })).unwrap_err(), Reason::Time("startedAt"));
    let (record, remarks) = mapped(&map, json!({ "at": "25/10/2026 01:30" })).unwrap();
    assert_eq!((&record["startedAt"], remarks), (&json!("2026-10-25T00:30:00Z"), vec![Remark::Repeated("startedAt")]));
}

#[test]
fn fields_of_fields_of_json_are_found_by_dots() {
    let map = with("contactId = \"customer.ids.0\"\nmode = \"a.b\"\nagent.id = \"customer\"");
    let object = json!({ "customer": { "ids": [7] }, "a.b": "home" });
    assert_eq!(mapped(&map, object).unwrap_err(), Reason::Record(crate::record::Refusal::WrongType("agent.id")));
    let map = with("contactId = \"customer.ids.0\"\nmode = \"a.b\"");
    let (record, _) = mapped(&map, json!({ "customer": { "ids": [7] }, "a.b": "home" })).unwrap();
    assert_eq!((&record["contactId"], &record["mode"]), (&json!("7"), &json!("home")));
}

#[test]
fn contacts_have_plain_or_numbered_addresses() {
    let plain = map("kind = \"contacts\"\n[fields]\ncontactId = \"id\"\naddress = \"tel\"");
    assert_eq!(field(&plain, json!({ "tel": "1" }), "addresses"), json!([{ "address": "1" }]));
    let both = "[fields]\ncontactId = \"id\"\naddresses.0.address = \"m\"\naddresses.1.address = \"h\"\n\
                addresses.1.mode = { value = \"home\" }";
    let both = map(&("kind = \"contacts\"\n".to_owned() + both));
    assert_eq!(field(&both, json!({ "h": "2" }), "addresses"), json!([{ "address": "2", "mode": "home" }]));
    assert_eq!(field(&both, json!({ "m": "1" }), "addresses"), json!([{ "address": "1" }]), "nobody's home");
}

/// Found by fuzzing (`mode-of-no-address` among its seeds).
#[test]
fn a_mode_without_an_address_to_it_is_a_mistake() {
    let found =
        problems("kind = \"contacts\"\n[fields]\ncontactId = \"id\"\naddress = \"m\"\naddresses.1.mode = \"h\"");
    assert_eq!(found, ["fields.addresses.1.address is missing: a mode is an address's"]);
}

#[test]
fn every_problem_of_a_mapping_is_named_at_once_with_the_nearest_known_name() {
    let found = problems(
        "encodng = \"utf-8\"\nencoding = \"latin-7000\"\ndelimiter = \"||\"\ntime_zone = \"Lisbon\"\ndecimal = \";\"\n\
         [fields]\ninteractionID = \"id\"\nsource = { value = \"dialler\" }\naddress = { form = \"phone\", from = 7 }\n\
         outcome.class = { from = \"d\", values = { NI = \"red\" } }\nmode = { from = \"m\", time_zone = \"UTC\" }\n\
         startedAt = { from = \"at\", time_format = \"%d\" }\nagent.name = { from = \"a\", value = \"b\" }\n\
         comments = { from = [\"a\"], join = \"-\" }\ncurrentScore = 7\nwhatever = \"x\"",
    );
    for said in [
        "encodng: there is no such key; did you mean encoding?",
        "encoding: expected the name of an encoding",
        "delimiter: expected one character",
        "time_zone: expected a time zone by its IANA name",
        "decimal: expected \".\" or \",\"",
        "fields.interactionID: there is no such field; did you mean interactionId?",
        "fields.source.value: expected one of campaign_manager, data_cloud",
        "fields.address.form: there is no such key; did you mean from?",
        "fields.address: from: expected",
        "fields.outcome.class.values.\"NI\": expected one of success, failure, neutral",
        "fields.mode.time_zone: there is no such key",
        "fields.startedAt: the time_format leaves a part of the date out",
        "fields.agent.name: expected either from",
        "fields.comments.join: there is only one source field",
        "fields.currentScore: expected the name of a source field",
        "fields.whatever: there is no such field",
        "fields.channel is missing",
        "fields.outcome.code is missing",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(said)), "{said} in {found:#?}");
    }
    assert_eq!(found.len(), 19, "the nineteenth: the id, misspelt and so missing {found:#?}");
}

#[test]
fn columns_that_are_missing_are_named_at_once() {
    let map = with("comments = \"notes\"");
    let header = ["id", "fone", "at", "at", "notes"].map(str::to_owned);
    let problems = map.columns(&header).unwrap_err();
    assert_eq!(problems, ["there is no column phone; did you mean fone?", "there are several columns at"]);
}

#[test]
fn an_encoding_that_cannot_be_cut_into_lines_is_refused() {
    let found = problems("encoding = \"utf-16le\"\n[fields]\n");
    assert!(found[0].contains("convert them to UTF-8"), "{found:?}");
    assert_eq!(map(&["encoding = \"Latin-1\"\n", HEAD, REQUIRED].concat()).encoding, encoding_rs::WINDOWS_1252);
}
