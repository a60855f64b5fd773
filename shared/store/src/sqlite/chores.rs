//! The lease, the outbox and the housekeeping on SQLite.

use super::batch::{one, run};
use crate::engine::{Holder, Lease};
use crate::model::OutboxId;
use crate::outbox::{self, Reference};
use crate::words;
use rusqlite::{Connection, TransactionBehavior, params};
use types::MessageId;

/// The clock of this machine: the store's, as far as SQLite has one.
const NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// Rows deleted at once.
const PURGED_AT_ONCE: i64 = 2_000;

/// Batches taken over at once.
const CLAIMED_AT_ONCE: i64 = 100;

/// The time of the store never goes back: what some worker has renewed its lease at is past.
fn store_ms(tx: &Connection) -> rusqlite::Result<u64> {
    let now: i64 = one(tx, NOW, [], |row| row.get(0))?.unwrap_or_default();
    let renewed: Option<i64> = one(tx, "SELECT MAX(renewed_ms) FROM workers", [], |row| row.get(0))?.flatten();
    Ok(now.max(renewed.unwrap_or_default()).max(0) as u64)
}

/// Whoever opens the file is alone, so a worker of anybody else is dead.
pub(super) fn take_lease(connection: &mut Connection, holder: &Holder, reach_ms: u64) -> rusqlite::Result<Lease> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let store_ms = store_ms(&tx)?;
    let floor: Option<i64> = one(&tx, "SELECT ceiling_ms FROM workers WHERE worker_id = 0", [], |row| row.get(0))?;
    let floor_ms = floor.unwrap_or_default().max(0) as u64;
    let (lease_until, ceiling) = (store_ms + holder.lease_ms, store_ms.max(floor_ms) + reach_ms);
    run(
        &tx,
        "INSERT OR REPLACE INTO workers (worker_id, process, incarnation, lease_until, ceiling_ms, renewed_ms)
         VALUES (0, ?, ?, ?, ?, ?)",
        params![holder.process, holder.incarnation, lease_until as i64, ceiling as i64, store_ms as i64],
    )?;
    tx.commit()?;
    Ok(Lease { worker: 0, floor_ms, ceiling_ms: ceiling, store_ms })
}

pub(super) fn renew_lease(
    connection: &mut Connection,
    holder: &Holder,
    worker: u16,
    now_ms: u64,
    reach_ms: u64,
) -> rusqlite::Result<Option<(u64, u64)>> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let store_ms = store_ms(&tx)?.max(now_ms);
    let ceiling_ms = store_ms + reach_ms;
    let renewed = run(
        &tx,
        "UPDATE workers SET lease_until = ?, ceiling_ms = MAX(ceiling_ms, ?), renewed_ms = ?
         WHERE worker_id = ? AND incarnation = ?",
        params![(store_ms + holder.lease_ms) as i64, ceiling_ms as i64, store_ms as i64, worker, holder.incarnation],
    )?;
    tx.commit()?;
    Ok((renewed > 0).then_some((store_ms, ceiling_ms)))
}

pub(super) fn stamp(connection: &mut Connection, outbox: &[OutboxId], now_ms: u64) -> rusqlite::Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for id in outbox {
        run(&tx, "UPDATE outbox SET stamped_ms = ? WHERE outbox_id = ?", params![now_ms as i64, id.0])?;
    }
    tx.commit()
}

pub(super) fn claim(
    connection: &mut Connection,
    holder: &Holder,
    worker: u16,
    before: OutboxId,
) -> rusqlite::Result<Vec<(OutboxId, Vec<Reference>)>> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let claimed = {
        let rows = "SELECT outbox_id, entries FROM outbox WHERE stamped_ms = 0 AND outbox_id < ?
            ORDER BY outbox_id LIMIT ?";
        let mut statement = tx.prepare_cached(rows)?;
        let read = statement.query_map([before.0, CLAIMED_AT_ONCE], |row| {
            Ok((OutboxId(row.get(0)?), outbox::decode(row.get_ref(1)?.as_blob()?)))
        })?;
        read.collect::<rusqlite::Result<Vec<_>>>()?
    };
    for (id, _) in &claimed {
        let values = params![worker, holder.incarnation, id.0];
        run(&tx, "UPDATE outbox SET worker_id = ?, incarnation = ? WHERE outbox_id = ?", values)?;
    }
    tx.commit()?;
    Ok(claimed)
}

pub(super) fn purge(
    connection: &mut Connection,
    outbox_before: OutboxId,
    names_before: OutboxId,
) -> rusqlite::Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    run(
        &tx,
        "DELETE FROM outbox WHERE outbox_id IN
             (SELECT outbox_id FROM outbox WHERE outbox_id < ? AND stamped_ms > 0 ORDER BY outbox_id LIMIT ?)",
        [outbox_before.0, PURGED_AT_ONCE],
    )?;
    run(
        &tx,
        "DELETE FROM duplicates WHERE (from_user, temp_message_id) IN
             (SELECT from_user, temp_message_id FROM duplicates WHERE message_id < ? ORDER BY message_id LIMIT ?)",
        [names_before.0, PURGED_AT_ONCE],
    )?;
    tx.commit()
}

pub(super) fn index(connection: &mut Connection, before: OutboxId, most: usize) -> rusqlite::Result<usize> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from: i64 = one(&tx, "SELECT position FROM followers WHERE name = 'words'", [], |row| row.get(0))?.unwrap_or(0);
    let messages = {
        let mut statement = tx.prepare_cached(words::TO_INDEX)?;
        let read = statement.query_map(params![from, before.0, most as i64], |row| {
            Ok(words::Message {
                id: MessageId::from_i64(row.get(0)?),
                conversation: row.get(1)?,
                kind: row.get(2)?,
                body: row.get(3)?,
                users: [row.get(4)?, row.get(5)?],
            })
        })?;
        read.collect::<rusqlite::Result<Vec<_>>>()?
    };
    for message in &messages {
        if let Some(words) = words::of_message(message) {
            run(&tx, "INSERT INTO words (rowid, terms) VALUES (?, ?)", params![message.id.as_i64(), words])?;
        }
    }
    if let Some(last) = messages.last() {
        run(&tx, "INSERT OR REPLACE INTO followers (name, position) VALUES ('words', ?)", [last.id.as_i64()])?;
    }
    tx.commit()?;
    Ok(messages.len())
}
