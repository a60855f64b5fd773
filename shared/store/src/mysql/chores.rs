//! The lease, the outbox and the housekeeping on a MySQL-compatible database.

use super::statement::{Bind, Statement, bytes, number, text};
use super::trouble;
use crate::engine::{Holder, Lease, Trouble};
use crate::model::OutboxId;
use crate::outbox::{self, Reference};
use crate::query::places;
use crate::words;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use types::MessageId;

/// Rows deleted at once.
const PURGED_AT_ONCE: i64 = 2_000;

/// Batches taken over at once.
const CLAIMED_AT_ONCE: i64 = 100;

async fn rows(
    connection: &mut MySqlConnection,
    sql: impl Into<String>,
    values: Vec<Bind<'_>>,
) -> Result<Vec<MySqlRow>, Trouble> {
    Statement::new(sql, values).rows(connection).await.map_err(trouble)
}

async fn run(connection: &mut MySqlConnection, sql: impl Into<String>, values: Vec<Bind<'_>>) -> Result<u64, Trouble> {
    Statement::new(sql, values).run(connection).await.map_err(trouble)
}

fn int(number: u64) -> Bind<'static> {
    Bind::Int(number as i64)
}

/// The time of the store never goes back: what some worker has renewed its lease at is past.
async fn store_ms(connection: &mut MySqlConnection) -> Result<u64, Trouble> {
    let sql = "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), COALESCE(MAX(renewed_ms), 0) FROM workers";
    let rows = rows(connection, sql, Vec::new()).await?;
    Ok(rows.first().map_or(0, |row| number(row, 0).max(number(row, 1))))
}

/// A worker whose lease has ended, or a new one.
pub(super) async fn take_lease(
    connection: &mut MySqlConnection,
    holder: &Holder,
    reach_ms: u64,
) -> Result<Lease, Trouble> {
    let store_ms = store_ms(connection).await?;
    let sql = "SELECT worker_id, ceiling_ms FROM workers WHERE lease_until < ? ORDER BY worker_id LIMIT 1 FOR UPDATE";
    let free = rows(connection, sql, vec![int(store_ms)]).await?;
    let (worker, floor_ms) = match free.first() {
        Some(row) => (number(row, 0), number(row, 1)),
        None => {
            let last = rows(connection, "SELECT COALESCE(MAX(worker_id) + 1, 0) FROM workers", Vec::new()).await?;
            let next = last.first().map_or(0, |row| number(row, 0));
            if next >= MessageId::WORKERS.into() {
                return Err(Trouble::Down("all workers are taken".into()));
            }
            (next, 0)
        }
    };
    let ceiling_ms = store_ms.max(floor_ms) + reach_ms;
    // Whoever took a new one at the same moment has the key, and this is made again.
    let sql = match free.is_empty() {
        true => {
            "INSERT INTO workers (process, incarnation, lease_until, ceiling_ms, renewed_ms, worker_id)
             VALUES (?, ?, ?, ?, ?, ?)"
        }
        false => {
            "UPDATE workers SET process = ?, incarnation = ?, lease_until = ?, ceiling_ms = ?, renewed_ms = ?
             WHERE worker_id = ?"
        }
    };
    let values = vec![
        Bind::Text(&holder.process),
        Bind::Text(&holder.incarnation),
        int(store_ms + holder.lease_ms),
        int(ceiling_ms),
        int(store_ms),
        int(worker),
    ];
    run(connection, sql, values).await?;
    Ok(Lease { worker: worker as u16, floor_ms, ceiling_ms, store_ms })
}

pub(super) async fn renew_lease(
    connection: &mut MySqlConnection,
    holder: &Holder,
    worker: u16,
    now_ms: u64,
    reach_ms: u64,
) -> Result<Option<(u64, u64)>, Trouble> {
    let store_ms = store_ms(connection).await?.max(now_ms);
    let ceiling_ms = store_ms + reach_ms;
    let sql = "UPDATE workers SET lease_until = ?, ceiling_ms = GREATEST(ceiling_ms, ?), renewed_ms = ?
        WHERE worker_id = ? AND incarnation = ?";
    let values = vec![
        int(store_ms + holder.lease_ms),
        int(ceiling_ms),
        int(store_ms),
        int(worker.into()),
        Bind::Text(&holder.incarnation),
    ];
    let renewed = run(connection, sql, values).await?;
    Ok((renewed > 0).then_some((store_ms, ceiling_ms)))
}

pub(super) async fn stamp(connection: &mut MySqlConnection, outbox: &[OutboxId], now_ms: u64) -> Result<(), Trouble> {
    for part in super::statement::in_powers(outbox) {
        let sql = format!("UPDATE outbox SET stamped_ms = ? WHERE outbox_id IN ({})", places(part.len()));
        let values = std::iter::once(int(now_ms)).chain(part.iter().map(|id| Bind::Int(id.0))).collect();
        run(connection, sql, values).await?;
    }
    Ok(())
}

pub(super) async fn claim(
    connection: &mut MySqlConnection,
    holder: &Holder,
    worker: u16,
    before: OutboxId,
    now_ms: u64,
) -> Result<Vec<(OutboxId, Vec<Reference>)>, Trouble> {
    // A process's earlier starts are dead, whatever their lease says.
    let sql = "SELECT outbox_id, incarnation, entries FROM outbox WHERE stamped_ms = 0 AND (
            (incarnation = ? AND outbox_id < ?)
            OR incarnation NOT IN (SELECT incarnation FROM workers WHERE lease_until > ? AND process <> ?)
                AND incarnation <> ?)
        ORDER BY outbox_id LIMIT ?";
    let own = Bind::Text(&holder.incarnation);
    let values =
        vec![own, Bind::Int(before.0), int(now_ms), Bind::Text(&holder.process), own, Bind::Int(CLAIMED_AT_ONCE)];
    let mut claimed = Vec::new();
    for row in rows(connection, sql, values).await? {
        let (id, incarnation) = (number(&row, 0) as i64, text(&row, 1));
        let sql = "UPDATE outbox SET worker_id = ?, incarnation = ?
            WHERE outbox_id = ? AND incarnation = ? AND stamped_ms = 0";
        let values = vec![int(worker.into()), own, Bind::Int(id), Bind::Text(&incarnation)];
        // One's own is not changed by that, and is one's own.
        if run(connection, sql, values).await? > 0 || incarnation == *holder.incarnation {
            claimed.push((OutboxId(id), outbox::decode(&bytes(&row, 2))));
        }
    }
    Ok(claimed)
}

pub(super) async fn purge(
    connection: &mut MySqlConnection,
    outbox_before: OutboxId,
    names_before: OutboxId,
) -> Result<(), Trouble> {
    let sql = "DELETE FROM outbox WHERE outbox_id < ? AND stamped_ms > 0 ORDER BY outbox_id LIMIT ?";
    run(connection, sql, vec![Bind::Int(outbox_before.0), Bind::Int(PURGED_AT_ONCE)]).await?;
    let sql = "DELETE FROM duplicates WHERE message_id < ? ORDER BY message_id LIMIT ?";
    run(connection, sql, vec![Bind::Int(names_before.0), Bind::Int(PURGED_AT_ONCE)]).await?;
    Ok(())
}

/// One process at a time: the position is locked.
pub(super) async fn index(connection: &mut MySqlConnection, before: OutboxId, most: usize) -> Result<usize, Trouble> {
    let sql = "SELECT position FROM followers WHERE name = 'words' FOR UPDATE SKIP LOCKED";
    let position = match rows(connection, sql, Vec::new()).await?.first() {
        Some(row) => number(row, 0),
        None => {
            // Not there yet, or another process has it.
            let first = "INSERT IGNORE INTO followers (name, position) VALUES ('words', 0)";
            let exists = rows(connection, "SELECT 1 FROM followers WHERE name = 'words'", Vec::new()).await?;
            if exists.is_empty() {
                run(connection, first, Vec::new()).await?;
            }
            return Ok(0);
        }
    };
    let values = vec![int(position), Bind::Int(before.0), Bind::Int(most as i64)];
    let found = rows(connection, words::TO_INDEX, values).await?;
    let messages: Vec<words::Message> = found
        .iter()
        .map(|row| words::Message {
            id: MessageId(number(row, 0)),
            conversation: number(row, 1) as i64,
            kind: number(row, 2) as u8,
            body: text(row, 3),
            users: [text(row, 4), text(row, 5)],
        })
        .collect();
    for message in &messages {
        if let Some(words) = words::of_message(message) {
            let sql = "INSERT IGNORE INTO words (message_id, words) VALUES (?, ?)";
            run(connection, sql, vec![Bind::Int(message.id.as_i64()), Bind::Text(&words)]).await?;
        }
    }
    if let Some(last) = messages.last() {
        let sql = "UPDATE followers SET position = ? WHERE name = 'words'";
        run(connection, sql, vec![Bind::Int(last.id.as_i64())]).await?;
    }
    Ok(messages.len())
}
