//! A PostgreSQL that wants TLS and to know who comes: who is believed, who is let in, what the documented roles may do.

use backstory::journey::postgres;
use backstory::journey::store::StoreError;
use serde_json::json;
use tokio_postgres::Client;

use crate::harness::process::Process;
use crate::harness::secure::{PASSWORD, Secure, documented};
use crate::harness::{HOME, Kafka, call, holds, interaction, until};

/// The server's certificate is for 127.0.0.1, and for no other name of this machine.
const ITS_NAME: &str = "127.0.0.1";
const ANOTHER_NAME: &str = "localhost";

async fn superuser(database: &str) -> Client {
    postgres::connect(database).await.unwrap()
}

/// The URL of this role at this name, in the database of the other URL.
fn url_of(database: &str, role: &str, name: &str, parameters: &str) -> String {
    let (_, place) = database.rsplit_once('@').unwrap();
    format!("postgres://{role}@{}?{parameters}", place.replace(ITS_NAME, name))
}

async fn refusal(url: &str) -> String {
    let error: StoreError = postgres::connect(url).await.err().unwrap_or_else(|| panic!("{url} is let in"));
    let text = error.to_string();
    assert!(!text.contains(PASSWORD) && !text.contains("hunter2"), "{text}");
    text
}

/// A role with a password and a name of its own.
async fn role(server: &Client) -> String {
    let role = format!("role_{:08x}", rand::random::<u32>());
    server.batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")).await.unwrap();
    role
}

#[test]
fn a_server_is_believed_as_far_as_sslmode_says() {
    holds(async {
        let Some(secure) = Secure::server("postgres") else { return };
        let database = std::env::var("DATABASE_URL").unwrap();
        let who = format!("{}:{PASSWORD}", role(&superuser(&database).await).await);
        let (ca, other) = (secure.file("ca.pem"), secure.file("other-ca.pem"));
        for (name, parameters) in [
            (ITS_NAME, format!("sslmode=verify-full&sslrootcert={ca}")),
            (ITS_NAME, format!("sslmode=verify-full&sslrootcert={ca}&channel_binding=require")),
            (ANOTHER_NAME, format!("sslmode=verify-ca&sslrootcert={ca}")),
            (ANOTHER_NAME, "sslmode=require".into()),
            (ANOTHER_NAME, String::new()),
        ] {
            let connected = postgres::connect(&url_of(&database, &who, name, &parameters)).await;
            let ssl = connected.unwrap_or_else(|error| panic!("{name} {parameters}: {error}"));
            let ssl = ssl.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await.unwrap();
            assert!(ssl.get::<_, bool>(0), "{name} {parameters}");
        }
        for (name, parameters, said) in [
            (
                ANOTHER_NAME,
                format!("sslmode=verify-full&sslrootcert={ca}"),
                "its certificate is not for localhost, but for",
            ),
            (ITS_NAME, format!("sslmode=verify-full&sslrootcert={other}"), "of no authority in sslrootcert"),
            (ITS_NAME, "sslmode=verify-full".into(), "of no authority in sslrootcert"),
            (ITS_NAME, format!("sslmode=verify-ca&sslrootcert={other}"), "of no authority in sslrootcert"),
            (ITS_NAME, format!("sslmode=require&sslrootcert={other}"), "of no authority in sslrootcert"),
            (ITS_NAME, "sslmode=disable".into(), "no encryption"),
        ] {
            let text = refusal(&url_of(&database, &who, name, &parameters)).await;
            assert!(text.contains(said), "{name} {parameters}: {text}");
        }
    });
}

#[test]
fn a_client_is_let_in_by_its_certificate_or_its_password_and_a_wrong_one_is_not_repeated() {
    holds(async {
        let Some(secure) = Secure::server("postgres") else { return };
        let database = std::env::var("DATABASE_URL").unwrap();
        let server = superuser(&database).await;
        server
            .batch_execute(
                "DO $$ BEGIN CREATE ROLE certified LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
            )
            .await
            .unwrap();
        let verified = format!("sslmode=verify-full&sslrootcert={}", secure.file("ca.pem"));
        let (cert, key) = (secure.file("certified.pem"), secure.file("certified.key"));
        let shown = format!("{verified}&sslcert={cert}&sslkey={key}");
        postgres::connect(&url_of(&database, "certified", ITS_NAME, &shown)).await.expect("its owner is let in");

        let text = refusal(&url_of(&database, "certified", ITS_NAME, &verified)).await;
        assert!(text.contains("certificate"), "{text}");
        let mixed = format!("{verified}&sslcert={cert}&sslkey={}", secure.file("server.key"));
        let text = refusal(&url_of(&database, "certified", ITS_NAME, &mixed)).await;
        assert!(text.contains("sslcert and sslkey do not belong together"), "{text}");
        let text = refusal(&url_of(&database, &format!("{}:hunter2", role(&server).await), ITS_NAME, &verified)).await;
        assert!(text.contains("password authentication failed"), "{text}");
    });
}

#[test]
fn the_documented_grants_are_enough_to_serve_and_no_more() {
    holds(async {
        let Some(secure) = Secure::server("postgres") else { return };
        let kafka = Kafka::real().await;
        let names = Names::new();
        let server = std::env::var("DATABASE_URL").unwrap();
        for statement in names.put_into(&documented("PostgreSQL", "roles")).split_inclusive(';') {
            superuser(&server).await.batch_execute(statement).await.unwrap();
        }
        let (place, _) = server.rsplit_once('/').unwrap();
        let database = format!("{place}/{}", names.database);
        let verified = format!("sslmode=verify-full&sslrootcert={}", secure.file("ca.pem"));
        let owner = url_of(&database, &format!("{}:{PASSWORD}", names.owner), ITS_NAME, &verified);
        let serving = url_of(&database, &format!("{}:{PASSWORD}", names.serving), ITS_NAME, &verified);
        migrate(&owner);
        let grants = names.put_into(&documented("PostgreSQL", "serve"));
        postgres::connect(&owner).await.unwrap().batch_execute(&grants).await.unwrap();

        serves(&kafka, &serving, &superuser(&database).await).await;
        let client = postgres::connect(&serving).await.unwrap();
        for statement in [
            "CREATE TABLE backstory.mine (id integer)",
            "CREATE SCHEMA mine",
            "DROP TABLE backstory.interactions",
            "ALTER TABLE backstory.interactions ADD COLUMN mine text",
            "TRUNCATE backstory.interactions",
            "DELETE FROM backstory.migrations",
        ] {
            let error = client.batch_execute(statement).await.expect_err(statement);
            assert_eq!(error.code().unwrap().code(), "42501", "{statement}: {error}");
        }
    });
}

#[test]
fn the_documented_reader_of_tables_of_ones_own_reads_them_and_nothing_else() {
    holds(async {
        let Some(secure) = Secure::server("postgres") else { return };
        let database = crate::harness::postgres::empty_database().await;
        let names = Names::new();
        let server = superuser(&database).await;
        let tables = "CREATE SCHEMA crm; CREATE TABLE crm.calls (no text); CREATE TABLE crm.lists (no text); CREATE TABLE crm.wages (no text)";
        server.batch_execute(tables).await.unwrap();
        server.batch_execute(&names.put_into(&documented("PostgreSQL", "read"))).await.unwrap();
        let parameters = format!("sslmode=verify-full&sslrootcert={}", secure.file("ca.pem"));
        let reader = url_of(&database, &format!("{}:{PASSWORD}", names.reader), ITS_NAME, &parameters);
        let reader = postgres::connect(&reader).await.unwrap();
        reader.query("SELECT * FROM crm.calls, crm.lists", &[]).await.unwrap();
        for (statement, code) in [("SELECT * FROM crm.wages", "42501"), ("DELETE FROM crm.calls", "25006")] {
            let error = reader.batch_execute(statement).await.expect_err(statement);
            assert_eq!(error.code().unwrap().code(), code, "{statement}: {error}");
        }
    });
}

fn migrate(url: &str) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_backstory"));
    let ran = command.args(["migrate", "--set", &format!("journey.store={url}")]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Keeps, shows, changes and forgets a history, over TLS only.
async fn serves(kafka: &Kafka, url: &str, superuser: &Client) {
    let service = Process::serve_with(kafka, url, &[("journey.lookup_timeout", "5s"), ("journey.retention", "730d")]);
    service.becomes_ready().await;
    for id in ["i-1", "i-2"] {
        let said = interaction(id).of("p-1").on(HOME).with("comments", json!("kept over TLS"));
        kafka.publish(&kafka.interactions, id, said.json().to_string()).await;
    }
    kafka.publish_nothing(&kafka.interactions, "i-2").await;
    until("the history to be kept", async || {
        (service.metric("backstory_records_recorded_total", &kafka.interactions).await >= 3.0).then_some(())
    })
    .await;
    let mut ana = service.agent("ana").await;
    kafka.publish(&kafka.calls, "ana", call("c-1").number(HOME).event("offered").to_string()).await;
    let pop = ana.next_pop().await.to_string();
    assert!(pop.contains("kept over TLS"), "{pop}");
    let erasure =
        json!({ "erasureId": "er-1", "contactIds": ["p-1"], "addresses": [HOME], "erasedAt": chrono::Utc::now() });
    kafka.publish(&kafka.erasures, "er-1", erasure.to_string()).await;
    until("the person to be forgotten", async || {
        let (_, journey) = service.get(&format!("/v1/journeys/{HOME}")).await;
        (journey["total"] == 0).then_some(())
    })
    .await;
    let tls = "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
               WHERE application_name = 'backstory' AND datname = current_database()";
    let seen = superuser.query_one(tls, &[]).await.unwrap();
    let (all, over_tls): (i64, i64) = (seen.get(0), seen.get(1));
    assert!(all > 0 && all == over_tls, "{over_tls} of {all} connections are over TLS");
    let log = service.log();
    assert!(!log.contains(PASSWORD) && !log.contains("permission denied"), "{log}");
}

/// The documented names, each made this run's own: roles belong to the whole server.
struct Names {
    database: String,
    owner: String,
    serving: String,
    reader: String,
}

impl Names {
    fn new() -> Self {
        let run = format!("{:08x}", rand::random::<u32>());
        Self {
            database: format!("database_{run}"),
            owner: format!("owner_{run}"),
            serving: format!("serving_{run}"),
            reader: format!("reader_{run}"),
        }
    }

    fn put_into(&self, sql: &str) -> String {
        let sql = sql.replace("'PASSWORD'", &format!("'{PASSWORD}'"));
        let sql = sql.replace("backstory_owner", &self.owner).replace("backstory_reader", &self.reader);
        let sql = sql.replace("DATABASE backstory", &format!("DATABASE {}", self.database));
        ["ROLE ", "TO ", "FROM "].iter().fold(sql, |sql, before| {
            sql.replace(&format!("{before}backstory;"), &format!("{before}{};", self.serving))
                .replace(&format!("{before}backstory LOGIN"), &format!("{before}{} LOGIN", self.serving))
        })
    }
}
