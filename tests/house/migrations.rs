//! What a migration may do: one that is marked as expanding leaves the tables usable for programs of the release before, and does not
//! hold them up.

use std::collections::BTreeSet;

use crate::tidy::files;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    Sqlite,
    Postgres,
}

/// A statement in capitals without its comments, each stretch of blanks one space; and the comment lines before or in it.
#[derive(Default)]
struct Statement {
    sql: String,
    comments: Vec<String>,
}

fn statements(text: &str) -> Vec<Statement> {
    let mut all = vec![Statement::default()];
    for line in text.lines() {
        let (sql, comment) = line.split_once("--").map_or((line, None), |(sql, comment)| (sql, Some(comment)));
        for (nth, part) in sql.split(';').enumerate() {
            if nth > 0 {
                all.push(Statement::default());
            }
            let words = part.split_whitespace().map(|word| word.to_uppercase() + " ");
            all.last_mut().unwrap().sql.extend(words);
        }
        all.last_mut().unwrap().comments.extend(comment.map(|comment| comment.trim().to_owned()));
    }
    all.retain(|statement| !statement.sql.is_empty());
    all
}

fn is_marked(text: &str) -> bool {
    matches!(text.lines().next(), Some("-- expand" | "-- contract"))
}

/// What an expanding migration must not do, and this one does. A contracting one may do everything.
fn mistakes(text: &str, server: Server) -> Vec<&'static str> {
    if !text.starts_with("-- expand\n") {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    let mut made = BTreeSet::new();
    for Statement { sql, comments } in statements(text) {
        let words: Vec<&str> = sql.split([' ', '(', ')', ',']).filter(|word| !word.is_empty()).collect();
        let has = |word: &str| words.contains(&word);
        if let ["CREATE", "TABLE", "IF", "NOT", "EXISTS", table, ..] | ["CREATE", "TABLE", table, ..] = words[..] {
            made.insert(table.to_owned());
        }
        // No answer depends on an index that another one covers.
        let covered = |comment: &String| comment.strip_prefix("covered:").is_some_and(|why| !why.trim().is_empty());
        let may_go = sql.starts_with("DROP INDEX ") && comments.iter().any(covered);
        for forbidden in ["DROP", "RENAME"].into_iter().filter(|_| !may_go) {
            if has(forbidden) {
                found.insert(forbidden);
            }
        }
        let alters = words.iter().filter(|word| **word == "ALTER").count();
        if has("TYPE") && (alters > 1 || sql.starts_with("ALTER TYPE ")) {
            found.insert("ALTER TYPE");
        }
        if sql.contains("SET NOT NULL") {
            found.insert("SET NOT NULL");
        }
        if sql.starts_with("ALTER TABLE ") && actions(&sql).iter().any(|action| needs_a_value(action)) {
            found.insert("a NOT NULL column without DEFAULT");
        }
        if server == Server::Postgres
            && matches!(words[..], ["CREATE", "INDEX", ..] | ["CREATE", "UNIQUE", "INDEX", ..])
            && !has("CONCURRENTLY")
            && !table_of_index(&words).is_some_and(|table| made.contains(table))
        {
            found.insert("CREATE INDEX without CONCURRENTLY");
        }
        let changes_rows = match words[0] {
            "UPDATE" | "DELETE" => true,
            "WITH" => has("UPDATE") || has("DELETE"),
            _ => false,
        };
        let is_reason = |comment: &String| comment.strip_prefix("rows:").is_some_and(|why| !why.trim().is_empty());
        if changes_rows && !comments.iter().any(is_reason) {
            found.insert("rows changed without a reason");
        }
    }
    found.into_iter().collect()
}

/// Of an `ALTER TABLE`, its parts between commas that stand in no brackets.
fn actions(sql: &str) -> Vec<String> {
    let mut depth = 0;
    let mut all = vec![String::new()];
    for char in sql.chars() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => all.push(String::new()),
            _ => {}
        }
        all.last_mut().unwrap().push(char);
    }
    all
}

fn needs_a_value(action: &str) -> bool {
    action.contains("ADD ") && action.contains(" NOT NULL") && !action.contains(" DEFAULT ")
}

fn table_of_index<'a>(words: &[&'a str]) -> Option<&'a str> {
    let on = words.iter().position(|word| *word == "ON")?;
    words[on + 1..].iter().find(|word| **word != "ONLY").copied()
}

#[test]
fn every_migration_says_whether_it_expands_or_contracts_and_does_no_more() {
    for (folder, server) in [("embedded", Server::Sqlite), ("postgres", Server::Postgres)] {
        for (path, text) in files(&format!("src/journey/{folder}/migrations"), "sql") {
            assert!(is_marked(&text), "{}: the first line is neither -- expand nor -- contract", path.display());
            assert_eq!(mistakes(&text, server), [""; 0], "{}", path.display());
        }
    }
}

#[test]
fn a_migration_without_a_mark_in_its_first_line_is_found() {
    for bad in ["", "ALTER TABLE t ADD COLUMN c text;", "-- A column.\n-- expand\n", "-- expands\n", " -- expand\n"] {
        assert!(!is_marked(bad), "{bad:?}");
    }
    assert!(is_marked("-- expand\n-- A column.\n") && is_marked("-- contract"));
}

#[test]
fn what_an_expanding_migration_must_not_do_is_found() {
    let index = "CREATE INDEX without CONCURRENTLY";
    let rows = "rows changed without a reason";
    let not_null = "a NOT NULL column without DEFAULT";
    for (sql, mistake) in [
        ("DROP INDEX i;", "DROP"),
        ("-- covered:\nDROP INDEX i;", "DROP"),
        ("-- covered: by another one.\nDROP TABLE t;", "DROP"),
        ("ALTER TABLE t\n  DROP COLUMN c;", "DROP"),
        ("ALTER TABLE t RENAME COLUMN c TO d;", "RENAME"),
        ("ALTER TYPE kind ADD VALUE 'x';", "ALTER TYPE"),
        ("ALTER TABLE t ALTER COLUMN c TYPE bigint;", "ALTER TYPE"),
        ("alter table t alter c set data type bigint;", "ALTER TYPE"),
        ("ALTER TABLE t ALTER COLUMN c SET NOT\n NULL;", "SET NOT NULL"),
        ("ALTER TABLE t ADD COLUMN c text NOT NULL;", not_null),
        ("ALTER TABLE t ADD COLUMN c text NOT NULL DEFAULT '', ADD d numeric(10, 2) NOT NULL;", not_null),
        ("CREATE INDEX i ON t (c);", index),
        ("CREATE UNIQUE INDEX i ON ONLY t (c);", index),
        ("CREATE TABLE n (c text);\nCREATE INDEX i ON t (c);", index),
        ("UPDATE t SET c = 1;", rows),
        ("-- rows:\nDELETE FROM t;", rows),
        ("-- rows: all are derived\nDELETE FROM t;\nDELETE FROM u;", rows),
        ("WITH old AS (DELETE FROM t RETURNING c) INSERT INTO u SELECT c FROM old;", rows),
    ] {
        assert_eq!(mistakes(&format!("-- expand\n{sql}\n"), Server::Postgres), [mistake], "{sql}");
        assert_eq!(mistakes(&format!("-- contract\n{sql}\n"), Server::Postgres), [""; 0], "{sql}");
    }
}

#[test]
fn what_an_expanding_migration_may_do_is_no_mistake() {
    for sql in [
        "CREATE TABLE n (c text NOT NULL, type text); CREATE INDEX i ON n (c);",
        "CREATE TABLE IF NOT EXISTS n (c text); CREATE UNIQUE INDEX i ON ONLY n(c);",
        "ALTER TABLE t ADD COLUMN c text, ADD COLUMN d text NOT NULL DEFAULT 'a, b';",
        "ALTER TABLE t ADD COLUMN type text;",
        "CREATE INDEX CONCURRENTLY i ON t (c);",
        "-- It does not DROP; RENAME nothing.\nALTER TABLE t ADD COLUMN c text; -- UPDATE follows later",
        "-- rows: the table is derived, and put together anew\nDELETE FROM t;",
    ] {
        assert_eq!(mistakes(&format!("-- expand\n{sql}\n"), Server::Postgres), [""; 0], "{sql}");
    }
    assert_eq!(mistakes("-- expand\nCREATE INDEX i ON t (c);\n", Server::Sqlite), [""; 0]);
}
