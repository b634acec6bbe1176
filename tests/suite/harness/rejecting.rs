//! Databases that reject rows, on either store: triggers and a constraint such as an administrator may have made.

use super::PATIENCE;
use super::postgres::client;

/// What PostgreSQL may report for a row that it rejects.
pub const SQLSTATES: [&str; 4] = ["22023", "23514", "54000", "P0001"];
/// A comment that only the check constraint of PostgreSQL rejects.
pub const BREAKS_THE_CHECK: &str = "breaks the check";
/// What SQLite reports for a row that a trigger rejects.
const SQLITE_CONSTRAINT_TRIGGER: &str = "1811";

/// A comment or name with which a row is rejected, with this SQLSTATE on PostgreSQL.
pub fn marked(sqlstate: &str) -> String {
    format!("rejected {sqlstate}")
}

/// The reason of the record that such a row was made of.
pub fn reason(store: &str, sqlstate: &str) -> String {
    let code = if store.starts_with("sqlite:") { SQLITE_CONSTRAINT_TRIGGER } else { sqlstate };
    format!("store_refused {code}")
}

/// Interactions whose comments are marked, and listings whose names are.
pub async fn reject_the_marked(store: &str) {
    let raise = "CREATE FUNCTION backstory.raise() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN
                   RAISE EXCEPTION 'rejected' USING ERRCODE = split_part(to_jsonb(NEW) ->> TG_ARGV[0], ' ', 2);
                 END $$;";
    let on_postgres = |table: &str, column: &str| {
        format!(
            "CREATE TRIGGER reject BEFORE INSERT OR UPDATE ON backstory.{table} FOR EACH ROW
             WHEN (NEW.{column} LIKE 'rejected %') EXECUTE FUNCTION backstory.raise('{column}');"
        )
    };
    let check = format!(
        "ALTER TABLE backstory.interactions ADD CONSTRAINT comments_check CHECK (comments <> '{BREAKS_THE_CHECK}');"
    );
    let on_sqlite = |table: &str, column: &str| {
        format!(
            "CREATE TRIGGER reject_{table} BEFORE INSERT ON {table}
             WHEN NEW.{column} LIKE 'rejected %' OR NEW.{column} = '{BREAKS_THE_CHECK}'
             BEGIN SELECT RAISE(ABORT, 'rejected'); END;"
        )
    };
    let both = [("interactions", "comments"), ("listings", "name")];
    let postgres: String = both.map(|(table, column)| on_postgres(table, column)).concat();
    let sqlite: String = both.map(|(table, column)| on_sqlite(table, column)).concat();
    execute(store, &format!("{raise}{check}{postgres}"), &sqlite).await;
}

/// Undoes [`reject_the_marked`].
pub async fn accept_the_marked(store: &str) {
    let postgres =
        "DROP FUNCTION backstory.raise CASCADE; ALTER TABLE backstory.interactions DROP CONSTRAINT comments_check";
    execute(store, postgres, "DROP TRIGGER reject_interactions; DROP TRIGGER reject_listings").await;
}

/// Every new row of a table, until [`accept_all`].
pub async fn reject_all(store: &str, table: &str) {
    let postgres = format!(
        "CREATE FUNCTION backstory.reject_all() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'rejected'; END $$;
         CREATE TRIGGER reject_all BEFORE INSERT ON backstory.{table} FOR EACH ROW
         EXECUTE FUNCTION backstory.reject_all()"
    );
    let sqlite =
        format!("CREATE TRIGGER reject_all BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'rejected'); END");
    execute(store, &postgres, &sqlite).await;
}

pub async fn accept_all(store: &str) {
    execute(store, "DROP FUNCTION backstory.reject_all CASCADE", "DROP TRIGGER reject_all").await;
}

/// Runs SQL beside the service.
async fn execute(store: &str, postgres: &str, sqlite: &str) {
    if let Some(path) = store.strip_prefix("sqlite:") {
        let file = rusqlite::Connection::open(path).expect("the file of a store");
        file.busy_timeout(PATIENCE).unwrap();
        file.execute_batch(sqlite).expect("SQL that SQLite accepts");
    } else {
        let server = client(&store.parse().unwrap()).await;
        server.batch_execute(postgres).await.expect("SQL that PostgreSQL accepts");
    }
}
