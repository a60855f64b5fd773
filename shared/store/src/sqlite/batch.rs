//! A batch on SQLite: nobody else writes, so its transaction is all the lock there is. Statements for one row each, because
//! a prepared one costs a microsecond or two and no round trip.

use crate::ids::IdClock;
use crate::model::{Judge, OutboxId, Request};
use crate::needs::Needs;
use crate::outbox;
use crate::plan::{Conversation, Earlier, Loaded, Member, Planner, Target, Verdict, Writes};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use types::{ConversationId, MessageId, MessageType, UserKey};

/// What was decided, and whether it is to be committed.
pub(super) struct Attempted {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) outbox: Option<OutboxId>,
    pub(super) wrote: bool,
    pub(super) out_of_ids: bool,
    pub(super) lease_lost: bool,
}

/// Loads, decides and writes, within a transaction of the caller.
pub(super) fn attempt(
    tx: &Connection,
    requests: &[&Request],
    ids: &mut IdClock,
    own_ms: u64,
    judge: Judge,
    incarnation: &str,
) -> rusqlite::Result<Attempted> {
    let needs = Needs::of(requests);
    let loaded = load(tx, &needs, ids, own_ms)?;
    let verdicts = Vec::with_capacity(requests.len());
    let mut attempted = Attempted { verdicts, outbox: None, wrote: false, out_of_ids: true, lease_lost: false };
    let Some(loaded) = loaded else { return Ok(attempted) };
    let mut planner = Planner::new(loaded, ids, own_ms, judge);
    for request in requests {
        match planner.decide(request) {
            Verdict::OutOfIds => return Ok(attempted),
            verdict => attempted.verdicts.push(verdict),
        }
    }
    let id = match planner.needs_outbox() {
        true => {
            let Some(id) = planner.outbox_id() else { return Ok(attempted) };
            Some(id)
        }
        false => None,
    };
    attempted.out_of_ids = false;
    attempted.wrote = !planner.writes.is_empty();
    let (worker, now_ms) = (planner.worker(), planner.now_ms());
    write(tx, &planner.writes, now_ms)?;
    let Some(id) = id else { return Ok(attempted) };
    let entries = outbox::encode(&planner.writes.references);
    let written = run(
        tx,
        "INSERT INTO outbox (outbox_id, worker_id, incarnation, entries)
         SELECT ?, worker_id, incarnation, ? FROM workers WHERE worker_id = ? AND incarnation = ? AND lease_until > ?",
        params![id.as_i64(), entries, worker, incarnation, now_ms as i64],
    )?;
    attempted.lease_lost = written == 0;
    attempted.outbox = Some(OutboxId(id.as_i64()));
    Ok(attempted)
}

/// Everything that the batch needs, conversations that begin with it included; nothing if ids ran out.
fn load(tx: &Connection, needs: &Needs<'_>, ids: &mut IdClock, own_ms: u64) -> rusqlite::Result<Option<Loaded>> {
    let mut loaded = Loaded::default();
    for id in &needs.messages {
        if let Some(target) = one(tx, TARGET, [id.as_i64()], read_target)? {
            load_conversation(tx, target.conversation, &mut loaded)?;
            loaded.targets.insert(*id, target);
        }
    }
    for pair in &needs.pairs {
        let known = one(tx, PAIR, params![pair[0].as_str(), pair[1].as_str()], |row| Ok(conversation_id(row.get(0)?)))?;
        let id = match known {
            Some(id) => id,
            None => {
                let Some(id) = ids.next(MessageId(0), own_ms) else { return Ok(None) };
                // It begins when something is written in it.
                let row = Conversation { pair: pair.clone(), last_seq: 0, last_message_id: MessageId(0), is_new: true };
                loaded.conversations.insert(ConversationId(id.0), row);
                ConversationId(id.0)
            }
        };
        loaded.pairs.insert(pair.clone(), id);
        load_conversation(tx, id, &mut loaded)?;
    }
    for id in &needs.conversations {
        load_conversation(tx, *id, &mut loaded)?;
    }
    for (user, name) in &needs.names {
        if let Some(earlier) = one(tx, EARLIER, params![user.as_str(), name], read_earlier)? {
            loaded.earlier.insert(((*user).clone(), (*name).into()), earlier);
        }
    }
    for user in &needs.users {
        if one(tx, "SELECT 1 FROM users WHERE user_key = ?", [user.as_str()], |_| Ok(()))?.is_some() {
            loaded.known.insert((*user).clone());
        }
    }
    for (user, other) in &needs.blocks {
        let blocked = "SELECT 1 FROM blocks WHERE user_key = ? AND blocked = ?";
        if one(tx, blocked, params![user.as_str(), other.as_str()], |_| Ok(()))?.is_some() {
            loaded.blocks.insert(((*user).clone(), (*other).clone()));
        }
    }
    for (user, other) in &needs.contacts {
        let remark = "SELECT remark FROM contacts WHERE user_key = ? AND contact = ?";
        if let Some(remark) = one(tx, remark, params![user.as_str(), other.as_str()], |row| row.get(0))? {
            loaded.contacts.insert(((*user).clone(), (*other).clone()), remark);
        }
    }
    for user in &needs.lists {
        let rev = "SELECT lists_rev FROM users WHERE user_key = ?";
        if let Some(rev) = one(tx, rev, [user.as_str()], |row| number(row, 0))? {
            loaded.lists_revs.insert((*user).clone(), rev);
        }
    }
    for (conversation, user, above) in &needs.unread {
        let values = params![conversation.as_i64(), *above as i64, user.as_str()];
        let count = one(tx, UNREAD_ABOVE, values, |row| number(row, 0))?.unwrap_or_default();
        loaded.unread_above.insert((*conversation, (*user).clone(), *above), count);
    }
    Ok(Some(loaded))
}

const TARGET: &str = "SELECT m.conversation_id, m.conv_seq, m.from_user, m.kind, m.recalled, COALESCE(r.read_ms, 0)
    FROM messages m LEFT JOIN read_marks r ON r.conversation_id = m.conversation_id AND r.conv_seq = m.conv_seq
    WHERE m.message_id = ?";

const PAIR: &str = "SELECT conversation_id FROM conversations WHERE kind = 1 AND first = ? AND second = ?";

const EARLIER: &str = "SELECT message_id, conversation_id, conv_seq, digest FROM duplicates
    WHERE from_user = ? AND temp_message_id = ?";

/// Recalls and system notices are not counted.
const UNREAD_ABOVE: &str = "SELECT COUNT(*) FROM messages m
    LEFT JOIN read_marks r ON r.conversation_id = m.conversation_id AND r.conv_seq = m.conv_seq
    WHERE m.conversation_id = ? AND m.conv_seq > ? AND m.from_user <> ? AND m.recalled = 0 AND m.kind NOT IN (9, 10)
    AND r.read_ms IS NULL";

fn load_conversation(tx: &Connection, id: ConversationId, loaded: &mut Loaded) -> rusqlite::Result<()> {
    if loaded.conversations.contains_key(&id) {
        return Ok(());
    }
    let row = "SELECT first, second, last_seq, last_message_id FROM conversations WHERE conversation_id = ?";
    let read = |row: &Row<'_>| {
        let pair = [user(row, 0)?, user(row, 1)?];
        Ok(Conversation { pair, last_seq: number(row, 2)?, last_message_id: message_id(row.get(3)?), is_new: false })
    };
    let Some(conversation) = one(tx, row, [id.as_i64()], read)? else { return Ok(()) };
    loaded.conversations.insert(id, conversation);
    let rows = "SELECT user_key, peer, last_message_id, unread, cleared_seq, pinned, muted, draft, rev, changed_ms
        FROM members WHERE conversation_id = ?";
    let mut statement = tx.prepare_cached(rows)?;
    let mut rows = statement.query([id.as_i64()])?;
    while let Some(row) = rows.next()? {
        let member = Member {
            peer: user(row, 1)?,
            last_message_id: message_id(row.get(2)?),
            unread: number(row, 3)?,
            cleared_seq: number(row, 4)?,
            pinned: row.get(5)?,
            muted: row.get(6)?,
            draft: row.get(7)?,
            rev: number(row, 8)?,
            changed_ms: number(row, 9)?,
        };
        loaded.members.insert((id, user(row, 0)?), member);
    }
    Ok(())
}

fn write(tx: &Connection, writes: &Writes, now_ms: u64) -> rusqlite::Result<()> {
    for new in &writes.messages {
        run(
            tx,
            "INSERT INTO messages (conversation_id, conv_seq, message_id, from_user, kind, body) VALUES (?, ?, ?, ?, ?, ?)",
            params![
                new.conversation.as_i64(),
                new.conv_seq as i64,
                new.message_id.as_i64(),
                new.from.as_str(),
                new.kind.number(),
                new.body
            ],
        )?;
    }
    for (from, name, earlier) in &writes.duplicates {
        run(
            tx,
            "INSERT INTO duplicates (from_user, temp_message_id, message_id, conversation_id, conv_seq, digest)
             VALUES (?, ?, ?, ?, ?, ?)",
            params![
                from.as_str(),
                name,
                earlier.message_id.as_i64(),
                earlier.conversation.as_i64(),
                earlier.conv_seq as i64,
                earlier.digest
            ],
        )?;
    }
    for (id, row) in &writes.conversations {
        let (seq, last) = (row.last_seq as i64, row.last_message_id.as_i64());
        if row.is_new {
            run(
                tx,
                "INSERT INTO conversations (conversation_id, kind, first, second, last_seq, last_message_id)
                 VALUES (?, 1, ?, ?, ?, ?)",
                params![id.as_i64(), row.pair[0].as_str(), row.pair[1].as_str(), seq, last],
            )?;
        } else {
            let values = params![seq, last, id.as_i64()];
            run(tx, "UPDATE conversations SET last_seq = ?, last_message_id = ? WHERE conversation_id = ?", values)?;
        }
    }
    for ((id, user), row) in &writes.members {
        write_member(tx, *id, user, row)?;
    }
    for (id, conv_seq, message, by) in &writes.recalled {
        let values = params![*by as i64, id.as_i64(), *conv_seq as i64];
        run(tx, "UPDATE messages SET recalled = ?, body = '' WHERE conversation_id = ? AND conv_seq = ?", values)?;
        run(tx, "DELETE FROM words WHERE rowid = ?", [message.as_i64()])?;
    }
    for (id, conv_seq) in &writes.reads {
        let values = params![id.as_i64(), *conv_seq as i64, now_ms as i64];
        run(tx, "INSERT OR IGNORE INTO read_marks (conversation_id, conv_seq, read_ms) VALUES (?, ?, ?)", values)?;
    }
    for (user, id, conv_seq) in &writes.deletions {
        run(
            tx,
            "INSERT OR IGNORE INTO deletions (user_key, conversation_id, conv_seq, deleted_ms) VALUES (?, ?, ?, ?)",
            params![user.as_str(), id.as_i64(), *conv_seq as i64, now_ms as i64],
        )?;
    }
    write_lists(tx, writes, now_ms)
}

fn write_member(tx: &Connection, id: ConversationId, user: &UserKey, row: &Member) -> rusqlite::Result<()> {
    run(
        tx,
        "INSERT INTO members (conversation_id, user_key, peer, last_message_id, unread, cleared_seq, pinned, muted, draft,
             rev, changed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (conversation_id, user_key) DO UPDATE SET last_message_id = excluded.last_message_id,
             unread = excluded.unread, cleared_seq = excluded.cleared_seq, pinned = excluded.pinned,
             muted = excluded.muted, draft = excluded.draft, rev = excluded.rev, changed_ms = excluded.changed_ms",
        params![
            id.as_i64(),
            user.as_str(),
            row.peer.as_str(),
            row.last_message_id.as_i64(),
            row.unread as i64,
            row.cleared_seq as i64,
            row.pinned,
            row.muted,
            row.draft,
            row.rev as i64,
            row.changed_ms as i64
        ],
    )?;
    Ok(())
}

fn write_lists(tx: &Connection, writes: &Writes, now_ms: u64) -> rusqlite::Result<()> {
    for user in &writes.users {
        let values = params![user.as_str(), now_ms as i64];
        run(tx, "INSERT OR IGNORE INTO users (user_key, created_ms) VALUES (?, ?)", values)?;
    }
    for ((user, other), blocked) in &writes.blocks {
        let pair = [user.as_str(), other.as_str()];
        match blocked {
            true => {
                let values = params![pair[0], pair[1], now_ms as i64];
                run(tx, "INSERT OR IGNORE INTO blocks (user_key, blocked, created_ms) VALUES (?, ?, ?)", values)?
            }
            false => run(tx, "DELETE FROM blocks WHERE user_key = ? AND blocked = ?", pair)?,
        };
    }
    for ((user, other), remark) in &writes.contacts {
        let pair = [user.as_str(), other.as_str()];
        match remark {
            Some(remark) => run(
                tx,
                "INSERT INTO contacts (user_key, contact, remark, created_ms) VALUES (?, ?, ?, ?)
                 ON CONFLICT (user_key, contact) DO UPDATE SET remark = excluded.remark",
                params![pair[0], pair[1], remark, now_ms as i64],
            )?,
            None => run(tx, "DELETE FROM contacts WHERE user_key = ? AND contact = ?", pair)?,
        };
    }
    for ((user, id), reply) in &writes.replies {
        match reply {
            Some(reply) => run(
                tx,
                "INSERT INTO quick_replies (user_key, reply_id, folder, shortcut, body, created_ms) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (user_key, reply_id)
                 DO UPDATE SET folder = excluded.folder, shortcut = excluded.shortcut, body = excluded.body",
                params![user.as_str(), id, reply.folder, reply.shortcut, reply.text, now_ms as i64],
            )?,
            None => {
                run(tx, "DELETE FROM quick_replies WHERE user_key = ? AND reply_id = ?", params![user.as_str(), id])?
            }
        };
    }
    for (user, rev) in &writes.lists_revs {
        run(
            tx,
            "INSERT INTO users (user_key, lists_rev, created_ms) VALUES (?, ?, ?)
             ON CONFLICT (user_key) DO UPDATE SET lists_rev = excluded.lists_rev",
            params![user.as_str(), *rev as i64, now_ms as i64],
        )?;
    }
    for (user, (nickname, avatar)) in &writes.profiles {
        run(
            tx,
            "INSERT INTO users (user_key, nickname, avatar, created_ms) VALUES (?, ?, ?, ?)
             ON CONFLICT (user_key) DO UPDATE SET nickname = excluded.nickname, avatar = excluded.avatar",
            params![user.as_str(), nickname, avatar, now_ms as i64],
        )?;
    }
    Ok(())
}

/// How many rows were changed.
pub(super) fn run(tx: &Connection, sql: &str, values: impl Params) -> rusqlite::Result<usize> {
    tx.prepare_cached(sql)?.execute(values)
}

/// The first row, if there is one.
pub(super) fn one<T>(
    tx: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    tx.prepare_cached(sql)?.query_row(values, read).optional()
}

fn read_target(row: &Row<'_>) -> rusqlite::Result<Target> {
    Ok(Target {
        conversation: conversation_id(row.get(0)?),
        conv_seq: number(row, 1)?,
        from: user(row, 2)?,
        kind: MessageType::from_number(row.get(3)?).unwrap_or(MessageType::System),
        recalled: number(row, 4)?,
        read_ms: number(row, 5)?,
    })
}

fn read_earlier(row: &Row<'_>) -> rusqlite::Result<Earlier> {
    Ok(Earlier {
        message_id: message_id(row.get(0)?),
        conversation: conversation_id(row.get(1)?),
        conv_seq: number(row, 2)?,
        digest: row.get(3)?,
    })
}

fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(|number| number.max(0) as u64)
}

fn user(row: &Row<'_>, at: usize) -> rusqlite::Result<UserKey> {
    let text = row.get_ref(at)?.as_str()?;
    text.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            at,
            rusqlite::types::Type::Text,
            Box::<types::UserKeyError>::new(error),
        )
    })
}

fn conversation_id(number: i64) -> ConversationId {
    ConversationId::from_i64(number)
}

fn message_id(number: i64) -> MessageId {
    MessageId::from_i64(number)
}
