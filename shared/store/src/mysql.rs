//! A MySQL-compatible database: several processes write, so the rows of conversations are the locks. Statements for many
//! rows each, because every one costs a round trip.

mod batch;
mod chores;
mod statement;
mod write;

use crate::config::Config;
use crate::engine::{Attempt, Engine, Holder, Lease, Trouble};
use crate::error::OpenError;
use crate::ids::IdClock;
use crate::model::{Judge, OutboxId, Request};
use crate::outbox::Reference;
use crate::query::{Query, Row};
use crate::read::ReadError;
use batch::Known;
use secrecy::{ExposeSecret, SecretString};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions};
use sqlx::{ConnectOptions, Connection, Row as _};
use statement::Statement;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::timeout;

/// Statements that are kept prepared on a connection: each number of rows, as a power of two, is one of its own.
const STATEMENTS: usize = 512;

/// The limit of one statement; a database that takes longer is as good as away.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long a process waits for another that brings the tables up to date.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(60);

/// How a connection behaves that writes. A process that stops in the middle of a transaction holds others up no longer
/// than three seconds (MariaDB; others do not know the setting).
const SESSION: [&str; 3] = [
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION innodb_lock_wait_timeout = 1",
    "SET SESSION autocommit = 0",
];
const IDLE_LIMIT: &str = "SET SESSION idle_transaction_timeout = 3";

/// What a commit must wait for, so that it survives the machine.
const DURABILITY: [(&str, &str); 2] = [("innodb_flush_log_at_trx_commit", "1"), ("sync_binlog", "1")];

/// The connection that writes.
pub(crate) struct Mysql {
    options: MySqlConnectOptions,
    connection: Option<MySqlConnection>,
    incarnation: Box<str>,
    known: Known,
}

/// The connections that read.
#[derive(Clone)]
pub(crate) struct Readers(MySqlPool);

/// Connects, brings the tables up to date and checks that a commit is durable.
pub(crate) async fn open(
    url: &SecretString,
    incarnation: &str,
    config: &Config,
) -> Result<(Mysql, Readers), OpenError> {
    let wrong = |error: sqlx::Error| OpenError::Mysql(error.to_string());
    let options = MySqlConnectOptions::from_str(url.expose_secret())
        .map_err(|_| OpenError::Url("a mysql:// address that cannot be read".into()))?
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    let mut connection = timeout(PATIENCE, options.connect())
        .await
        .map_err(|_| OpenError::Mysql("no answer in time".to_owned()))?
        .map_err(wrong)?;
    check_durability(&mut connection, config).await?;
    lock_out_others(&mut connection).await.map_err(wrong)?;
    sqlx::migrate!("migrations/mysql")
        .run(&mut connection)
        .await
        .map_err(|error| OpenError::Mysql(error.to_string()))?;
    connection.close().await.ok();
    let pool = MySqlPoolOptions::new()
        .max_connections(config.connections.max(1))
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options.clone());
    let engine = Mysql { options, connection: None, incarnation: incarnation.into(), known: Known::default() };
    Ok((engine, Readers(pool)))
}

/// Processes that start together bring the tables up to date one after the other; the lock ends with the connection. (sqlx
/// asks for a lock of its own without a limit of time, which MariaDB does not grant.)
async fn lock_out_others(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let row = sqlx::query("SELECT GET_LOCK(CONCAT(DATABASE(), '.migrations'), ?)")
        .bind(MIGRATION_PATIENCE.as_secs())
        .fetch_one(connection)
        .await?;
    match row.try_get_unchecked::<i64, _>(0) {
        Ok(1) => Ok(()),
        _ => Err(sqlx::Error::Protocol("another process has been migrating it for a minute".to_owned())),
    }
}

async fn check_durability(connection: &mut MySqlConnection, config: &Config) -> Result<(), OpenError> {
    let wrong = |error: sqlx::Error| OpenError::Mysql(error.to_string());
    let logged = sqlx::query("SELECT @@log_bin").fetch_one(&mut *connection).await.map_err(wrong)?;
    let has_binlog = logged.try_get_unchecked::<i64, _>(0).unwrap_or_default() != 0;
    for (setting, wanted) in DURABILITY {
        if setting == "sync_binlog" && !has_binlog {
            continue;
        }
        let row = sqlx::query("SHOW GLOBAL VARIABLES WHERE variable_name = ?").bind(setting);
        let row = row.fetch_optional(&mut *connection).await.map_err(wrong)?;
        let value = row.map(|row| row.try_get_unchecked::<String, _>(1).unwrap_or_default()).unwrap_or_default();
        if value == wanted {
            continue;
        }
        if !config.allow_weaker_durability {
            return Err(OpenError::Weak { setting, value, wanted });
        }
        tracing::warn!(setting, value, "the database may lose what it has acknowledged when its machine fails");
    }
    Ok(())
}

impl Mysql {
    async fn connection(&mut self) -> Result<&mut MySqlConnection, Trouble> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connecting = timeout(PATIENCE, self.options.connect());
                let mut connection =
                    connecting.await.map_err(|_| Trouble::Down("no answer in time".into()))?.map_err(trouble)?;
                for setting in SESSION {
                    statement::command(&mut connection, setting).await.map_err(trouble)?;
                }
                statement::command(&mut connection, IDLE_LIMIT).await.ok();
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// What a transaction came to. After trouble the connection is not used again: what it holds is rolled back with it.
    async fn transaction<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut MySqlConnection, &mut Known) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let mut known = std::mem::take(&mut self.known);
        let outcome = async {
            let connection = self.connection().await?;
            let done = match timeout(PATIENCE, work(connection, &mut known)).await {
                Ok(done) => done?,
                Err(_) => return Err(Trouble::Down("a transaction took too long".into())),
            };
            match timeout(PATIENCE, statement::command(connection, "COMMIT")).await {
                Ok(Ok(())) => Ok(done),
                // Nobody knows whether it was committed.
                Ok(Err(error)) => Err(Trouble::Again(error.to_string().into())),
                Err(_) => Err(Trouble::Again("the answer to a commit did not come".into())),
            }
        };
        let outcome = outcome.await;
        match &outcome {
            Ok(_) => self.known = known,
            // What was learnt may have been rolled back.
            Err(_) => self.give_up().await,
        }
        outcome
    }

    /// Rolls back if that is possible, so that others need not wait, and lets a connection go that cannot.
    async fn give_up(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let rolled_back = timeout(Duration::from_millis(500), statement::command(&mut connection, "ROLLBACK")).await;
        if let Ok(Ok(())) = rolled_back {
            self.connection = Some(connection);
        }
    }
}

impl Engine for Mysql {
    async fn attempt(
        &mut self,
        requests: &[&Request],
        ids: &mut IdClock,
        own_ms: u64,
        judge: Judge,
    ) -> Result<Attempt, Trouble> {
        let incarnation = self.incarnation.clone();
        self.transaction(async |connection, known| {
            batch::attempt(connection, known, requests, ids, own_ms, judge, &incarnation).await
        })
        .await
    }

    async fn take_lease(&mut self, holder: &Holder, reach_ms: u64) -> Result<Lease, Trouble> {
        self.transaction(async |connection, _| chores::take_lease(connection, holder, reach_ms).await).await
    }

    async fn renew_lease(
        &mut self,
        holder: &Holder,
        worker: u16,
        now_ms: u64,
        reach_ms: u64,
    ) -> Result<Option<(u64, u64)>, Trouble> {
        self.transaction(async |connection, _| chores::renew_lease(connection, holder, worker, now_ms, reach_ms).await)
            .await
    }

    async fn stamp(&mut self, outbox: &[OutboxId], now_ms: u64) -> Result<(), Trouble> {
        self.transaction(async |connection, _| chores::stamp(connection, outbox, now_ms).await).await
    }

    async fn claim(
        &mut self,
        holder: &Holder,
        worker: u16,
        before: OutboxId,
        now_ms: u64,
    ) -> Result<Vec<(OutboxId, Vec<Reference>)>, Trouble> {
        self.transaction(async |connection, _| chores::claim(connection, holder, worker, before, now_ms).await).await
    }

    async fn purge(&mut self, outbox_before: OutboxId, names_before: OutboxId) -> Result<(), Trouble> {
        self.transaction(async |connection, _| chores::purge(connection, outbox_before, names_before).await).await
    }

    async fn index(&mut self, before: OutboxId, most: usize) -> Result<usize, Trouble> {
        self.transaction(async |connection, _| chores::index(connection, before, most).await).await
    }
}

impl Readers {
    /// Runs queries one after the other, all on what is committed at one moment.
    pub(crate) async fn rows(&self, queries: Vec<Query>) -> Result<Vec<Vec<Row>>, ReadError> {
        let reading = async {
            let mut connection = self.0.acquire().await?;
            let several = queries.len() > 1;
            if several {
                statement::command(&mut connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
            }
            let mut found = Vec::with_capacity(queries.len());
            for query in &queries {
                found.push(Statement::of(query).values(&mut connection).await?);
            }
            if several {
                statement::command(&mut connection, "COMMIT").await?;
            }
            Ok::<_, sqlx::Error>(found)
        };
        let down = |reason: String| ReadError::Down(reason.into());
        timeout(PATIENCE, reading)
            .await
            .map_err(|_| down("no answer in time".to_owned()))?
            .map_err(|error| down(error.to_string()))
    }
}

/// What kind of trouble an error of the database is, by its number.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn trouble(error: sqlx::Error) -> Trouble {
    let reason = error.to_string().into();
    let sqlx::Error::Database(refused) = &error else { return Trouble::Down(reason) };
    let number = refused.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map_or(0, |refused| refused.number());
    match number {
        // Lock wait, deadlock, a key that somebody else wrote first, a row that changed, a connection that was ended.
        1205 | 1213 | 1062 | 1020 | 3572 | 1927 | 1317 | 1180 => Trouble::Again(reason),
        // Too many connections, no memory, shutting down, no space, read only.
        1040 | 1041 | 1037 | 1053 | 1077 | 1079 | 1114 | 1021 | 1026 | 1030 | 1290 | 1836 | 1203 | 1129 => {
            Trouble::Down(reason)
        }
        _ => Trouble::Bad(reason),
    }
}
