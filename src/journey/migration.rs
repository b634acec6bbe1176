//! Versions of a store's tables. Each migration makes the next one; its first line is `-- expand` or `-- contract`. A program
//! works with tables of a later version as long as the migrations since have only expanded them.

/// What is known of a store's tables. Both are 0 if there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tables {
    /// That of the last migration.
    pub version: i32,
    /// The lowest version that a program must know to work with them.
    pub needs: i32,
}

/// The lowest version that a program must know to work with the tables after this migration. An expanding one needs nothing of its
/// own; all others do.
pub fn needs(version: i32, sql: &str) -> i32 {
    if sql.lines().next() == Some("-- expand") { 1 } else { version }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_migration_that_is_marked_as_expanding_does_without_programs_that_know_it() {
        assert_eq!(needs(7, "-- expand\n-- A column.\nALTER TABLE t ADD COLUMN c text;"), 1);
        for other in ["-- contract\nDROP TABLE t;", "-- A column.\n-- expand\n", "-- expanded\n", ""] {
            assert_eq!(needs(7, other), 7, "{other}");
        }
    }
}
