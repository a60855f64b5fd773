//! Why a store is not opened.

use std::path::PathBuf;

/// A sentence that says what to change.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("store.url is {0:?}: write sqlite:PATH or mysql://USER:PASSWORD@HOST:PORT/DATABASE")]
    Url(Box<str>),
    #[error("the SQLite file {path} cannot be used: {reason}")]
    Sqlite { path: PathBuf, reason: String },
    #[error(
        "the SQLite file {0} belongs to another process that runs: one process has it, several share a MySQL-compatible database"
    )]
    Taken(PathBuf),
    #[error("the database cannot be used: {0}")]
    Mysql(String),
    #[error(transparent)]
    Unreadable(#[from] crate::ReadError),
    #[error(
        "the database may lose what it has acknowledged: {setting} is {value}, and {wanted} is needed; set store.allow_weaker_durability to do without"
    )]
    Weak { setting: &'static str, value: String, wanted: &'static str },
}
