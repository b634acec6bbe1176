//! What SQLite's errors mean here, and what a person can do about them.

use rusqlite::{Error, ErrorCode, ffi};

const DAMAGED: &str = "the file is damaged; bring a backup back (`backstory restore`), or move the file away: what Kafka still \
                       has is then recorded anew";

/// Lower case, without the file's name: whoever says it says which store.
pub fn readable(error: &Error) -> String {
    let Some(cause) = error.sqlite_error() else {
        // What was written cannot be read as what it was.
        return match error {
            Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::QueryReturnedNoRows => {
                DAMAGED.into()
            }
            _ => error.to_string(),
        };
    };
    match (cause.code, cause.extended_code) {
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => {
            "the disk is full; make room there".into()
        }
        (ErrorCode::DatabaseCorrupt, _) => DAMAGED.into(),
        (ErrorCode::NotADatabase, _) => {
            "this is not a SQLite file, or no longer one; name another one in journey.store, or bring a backup back \
             (`backstory restore`)"
                .into()
        }
        (ErrorCode::ReadOnly | ErrorCode::CannotOpen, _) => {
            "the file cannot be opened for writing; its folder and the files in it must be writable for the service's user, on \
             a file system that is not mounted read-only"
                .into()
        }
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => {
            "another program has been writing to the file for too long; close it there".into()
        }
        _ => error.to_string(),
    }
}

/// Whether SQLite refuses what it was given, rather than fails itself. A row that is there already is no refusal: it is tried again.
pub fn refuses_a_value(error: &Error) -> bool {
    let Some(cause) = error.sqlite_error() else { return false };
    let is_there = matches!(
        cause.extended_code,
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID
    );
    match cause.code {
        ErrorCode::ConstraintViolation => !is_there,
        ErrorCode::TooBig | ErrorCode::TypeMismatch | ErrorCode::ParameterOutOfRange => true,
        _ => false,
    }
}

/// SQLite's number of the reason.
pub fn code(error: &Error) -> Option<String> {
    Some(error.sqlite_error()?.extended_code.to_string())
}
