//! SQLite: one file, one process. One connection writes, on a thread of its own; a few others read.

mod batch;
mod chores;

use crate::config::Config;
use crate::engine::{Attempt, Engine, Holder, Lease, Trouble};
use crate::error::OpenError;
use crate::ids::IdClock;
use crate::model::{Judge, OutboxId, Request};
use crate::outbox::Reference;
use crate::query::{Param, Query, Row, Value};
use crate::read::ReadError;
use parking_lot::Mutex;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// In order; `PRAGMA user_version` counts how many a file has seen.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/sqlite/0001_messages.sql")];

/// Pages that change again and again are written back once for many changes: with 1,000 a message cost a third more.
const CHECKPOINT_PAGES: u32 = 20_000;

/// Statements that are kept prepared.
const STATEMENTS: usize = 128;

/// The connection that writes.
pub(crate) struct Sqlite {
    connection: Connection,
    /// Held as long as this process has the file.
    _lock: File,
    pub(crate) incarnation: Box<str>,
}

/// The connections that read.
#[derive(Clone)]
pub(crate) struct Readers(Arc<Idle>);

struct Idle {
    path: PathBuf,
    connections: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

/// Opens the file, alone: whoever else has it is a second process, which must not be.
pub(crate) fn open(path: &Path, incarnation: &str, config: &Config) -> Result<(Sqlite, Readers), OpenError> {
    let wrong = |error: rusqlite::Error| OpenError::Sqlite { path: path.to_owned(), reason: error.to_string() };
    let blocked = |error: std::io::Error| OpenError::Sqlite { path: path.to_owned(), reason: error.to_string() };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(blocked)?;
    }
    let lock = File::options().create(true).append(true).open(path.with_extension("lock")).map_err(blocked)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::Taken(path.to_owned())),
        Err(TryLockError::Error(error)) => return Err(blocked(error)),
    }
    let mut connection = Connection::open(path).map_err(wrong)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL").map_err(wrong)?;
    // A commit that returned is on the disk.
    connection.pragma_update(None, "synchronous", "FULL").map_err(wrong)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(wrong)?;
    connection.pragma_update(None, "cache_size", -65_536).map_err(wrong)?;
    migrate(&mut connection).map_err(wrong)?;
    let readers = Readers(Arc::new(Idle {
        path: path.to_owned(),
        connections: Mutex::default(),
        permits: Semaphore::new(config.connections.max(1) as usize),
    }));
    Ok((Sqlite { connection, _lock: lock, incarnation: incarnation.into() }, readers))
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let seen: usize = connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))?.max(0) as usize;
    for (number, migration) in (1..).zip(MIGRATIONS).skip(seen) {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "user_version", number)?;
        tx.commit()?;
    }
    Ok(())
}

impl Engine for Sqlite {
    async fn attempt(
        &mut self,
        requests: &[&Request],
        ids: &mut IdClock,
        own_ms: u64,
        judge: Judge,
    ) -> Result<Attempt, Trouble> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(trouble)?;
        // Dropped, it is rolled back.
        let attempted = batch::attempt(&tx, requests, ids, own_ms, judge, &self.incarnation).map_err(trouble)?;
        if attempted.out_of_ids {
            return Err(Trouble::OutOfIds);
        }
        if attempted.lease_lost {
            return Err(Trouble::LeaseLost);
        }
        if attempted.wrote {
            tx.commit().map_err(trouble)?;
        }
        Ok(Attempt { verdicts: attempted.verdicts.into_iter().map(Some).collect(), outbox: attempted.outbox })
    }

    async fn take_lease(&mut self, holder: &Holder, reach_ms: u64) -> Result<Lease, Trouble> {
        chores::take_lease(&mut self.connection, holder, reach_ms).map_err(trouble)
    }

    async fn renew_lease(
        &mut self,
        holder: &Holder,
        worker: u16,
        now_ms: u64,
        reach_ms: u64,
    ) -> Result<Option<(u64, u64)>, Trouble> {
        chores::renew_lease(&mut self.connection, holder, worker, now_ms, reach_ms).map_err(trouble)
    }

    async fn stamp(&mut self, outbox: &[OutboxId], now_ms: u64) -> Result<(), Trouble> {
        chores::stamp(&mut self.connection, outbox, now_ms).map_err(trouble)
    }

    async fn claim(
        &mut self,
        holder: &Holder,
        worker: u16,
        before: OutboxId,
        _now_ms: u64,
    ) -> Result<Vec<(OutboxId, Vec<Reference>)>, Trouble> {
        chores::claim(&mut self.connection, holder, worker, before).map_err(trouble)
    }

    async fn purge(&mut self, outbox_before: OutboxId, names_before: OutboxId) -> Result<(), Trouble> {
        chores::purge(&mut self.connection, outbox_before, names_before).map_err(trouble)
    }

    async fn index(&mut self, before: OutboxId, most: usize) -> Result<usize, Trouble> {
        chores::index(&mut self.connection, before, most).map_err(trouble)
    }
}

/// A full disk and a broken one are not the fault of what was to be written.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn trouble(error: rusqlite::Error) -> Trouble {
    let reason = error.to_string().into();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Trouble::Again(reason),
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::OutOfMemory,
        ) => Trouble::Down(reason),
        _ => Trouble::Bad(reason),
    }
}

impl Readers {
    /// Runs queries one after the other, all on what is committed at one moment.
    pub(crate) async fn rows(&self, queries: Vec<Query>) -> Result<Vec<Vec<Row>>, ReadError> {
        let idle = self.0.clone();
        let _permit = idle.permits.acquire().await.map_err(|_| ReadError::Closed)?;
        let work = self.0.clone();
        let read = tokio::task::spawn_blocking(move || work.read(&queries)).await;
        read.map_err(|_| ReadError::Closed)?.map_err(|error| ReadError::Down(error.to_string().into()))
    }
}

impl Idle {
    fn read(&self, queries: &[Query]) -> rusqlite::Result<Vec<Vec<Row>>> {
        let known = self.connections.lock().pop();
        let mut connection = match known {
            Some(connection) => connection,
            None => {
                let connection = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
                connection.set_prepared_statement_cache_capacity(STATEMENTS);
                connection
            }
        };
        let tx = connection.transaction()?;
        let read = queries.iter().map(|query| rows(&tx, query)).collect();
        drop(tx);
        self.connections.lock().push(connection);
        read
    }
}

fn rows(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(&query.sql)?;
    for (number, param) in (1..).zip(&query.params) {
        match param {
            Param::Int(value) => statement.raw_bind_parameter(number, value)?,
            Param::Text(value) => statement.raw_bind_parameter(number, value)?,
        }
    }
    let columns = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let value = |at| -> rusqlite::Result<Value> {
            Ok(match row.get_ref(at)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Int(number),
                ValueRef::Real(number) => Value::Int(number as i64),
                ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
            })
        };
        found.push(Row((0..columns).map(value).collect::<Result<_, _>>()?));
    }
    Ok(found)
}
