//! A batch on a MySQL-compatible database: lock the conversations, leave out those that another process has, load, decide,
//! write.

use super::statement::{Bind, Statement, bytes, command, filled, in_powers, number, text};
use super::{trouble, write};
use crate::engine::{Attempt, Trouble};
use crate::ids::IdClock;
use crate::model::{Change, Judge, OutboxId, Request};
use crate::needs::Needs;
use crate::outbox;
use crate::plan::{Conversation, Earlier, Loaded, Member, Planner, Target, Verdict, pair};
use crate::query::places;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use std::collections::{BTreeSet, HashMap, HashSet};
use types::{ConversationId, MessageId, MessageType, UserKey};

/// What never changes and need not be asked again. Bounded: when full, it is forgotten.
#[derive(Default)]
pub(super) struct Known {
    pairs: HashMap<[UserKey; 2], ConversationId>,
    users: HashSet<UserKey>,
}

const KNOWN: usize = 200_000;

/// Everything of one attempt.
struct Work<'a, 'n> {
    connection: &'a mut MySqlConnection,
    needs: Needs<'n>,
    loaded: Loaded,
}

pub(super) async fn attempt(
    connection: &mut MySqlConnection,
    known: &mut Known,
    requests: &[&Request],
    ids: &mut IdClock,
    own_ms: u64,
    judge: Judge,
    incarnation: &str,
) -> Result<Attempt, Trouble> {
    if requests.is_empty() {
        return Ok(Attempt { verdicts: Vec::new(), outbox: None });
    }
    let mut work = Work { connection, needs: Needs::of(requests), loaded: Loaded::default() };
    let places_of = work.conversations_of_messages().await?;
    work.find_pairs(known, ids, own_ms).await?;
    work.lock(&places_of).await?;
    work.load(known).await?;
    let Work { connection, loaded, .. } = work;

    let mut verdicts = Vec::with_capacity(requests.len());
    let mut planner = Planner::new(loaded, ids, own_ms, judge);
    for request in requests {
        if is_locked_elsewhere(request, &planner.loaded, &places_of) {
            verdicts.push(None);
            continue;
        }
        match planner.decide(request) {
            Verdict::OutOfIds => return Err(Trouble::OutOfIds),
            verdict => verdicts.push(Some(verdict)),
        }
    }
    if planner.writes.is_empty() {
        // Conversations that would have begun.
        command(connection, "ROLLBACK").await.map_err(trouble)?;
        return Ok(Attempt { verdicts, outbox: None });
    }
    let (worker, now_ms) = (planner.worker(), planner.now_ms());
    write::write(connection, &planner.writes, now_ms).await.map_err(trouble)?;
    if !planner.needs_outbox() {
        known.learn(&planner.loaded);
        return Ok(Attempt { verdicts, outbox: None });
    }
    let id = planner.outbox_id().ok_or(Trouble::OutOfIds)?;
    let entries = outbox::encode(&planner.writes.references);
    let written = Statement::new(
        "INSERT INTO outbox (outbox_id, worker_id, incarnation, entries)
         SELECT ?, worker_id, incarnation, ? FROM workers WHERE worker_id = ? AND incarnation = ? AND lease_until > ?",
        vec![
            Bind::Int(id.as_i64()),
            Bind::Bytes(&entries),
            Bind::Int(worker.into()),
            Bind::Text(incarnation),
            Bind::Int(now_ms as i64),
        ],
    );
    if written.run(connection).await.map_err(trouble)? == 0 {
        return Err(Trouble::LeaseLost);
    }
    known.learn(&planner.loaded);
    Ok(Attempt { verdicts, outbox: Some(OutboxId(id.as_i64())) })
}

/// Whether a request is about a conversation that was not locked here.
fn is_locked_elsewhere(request: &Request, loaded: &Loaded, places_of: &HashMap<MessageId, ConversationId>) -> bool {
    let conversation = match &request.change {
        Change::Send(send) => loaded.pairs.get(&pair(&request.by, &send.to)),
        Change::Block { user } | Change::Unblock { user } => loaded.pairs.get(&pair(&request.by, user)),
        Change::Recall { message, .. } | Change::Delete { message } => places_of.get(message),
        Change::Read { conversation, .. }
        | Change::ClearUnread { conversation, .. }
        | Change::Pin { conversation, .. }
        | Change::Mute { conversation, .. }
        | Change::SaveDraft { conversation, .. } => Some(conversation),
        _ => None,
    };
    // What is in no conversation, or in one that there is not, is decided here.
    conversation.is_some_and(|id| !loaded.conversations.contains_key(id) && loaded.exist.contains(id))
}

impl Work<'_, '_> {
    /// Where entries are: that never changes, so no lock is needed to know it.
    async fn conversations_of_messages(&mut self) -> Result<HashMap<MessageId, ConversationId>, Trouble> {
        if self.needs.messages.is_empty() {
            return Ok(HashMap::new());
        }
        let ids = filled(self.needs.messages.iter().map(|id| Bind::Int(id.as_i64())).collect());
        let sql =
            format!("SELECT message_id, conversation_id FROM messages WHERE message_id IN ({})", places(ids.len()));
        let rows = Statement::new(sql, ids).rows(self.connection).await.map_err(trouble)?;
        Ok(rows.iter().map(|row| (MessageId(number(row, 0)), ConversationId(number(row, 1)))).collect())
    }

    /// Where people talk; a conversation that there is not begins.
    async fn find_pairs(&mut self, known: &Known, ids: &mut IdClock, own_ms: u64) -> Result<(), Trouble> {
        let mut missing = Vec::new();
        for pair in &self.needs.pairs {
            match known.pairs.get(pair) {
                Some(id) => drop(self.loaded.pairs.insert(pair.clone(), *id)),
                None => missing.push(pair),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let found = find_pairs(self.connection, &missing).await.map_err(trouble)?;
        missing.retain(|pair| !found.contains_key(*pair));
        self.loaded.pairs.extend(found);
        if missing.is_empty() {
            return Ok(());
        }
        let mut new = Vec::with_capacity(missing.len());
        for pair in &missing {
            new.push((*pair, ids.next(MessageId(0), own_ms).ok_or(Trouble::OutOfIds)?));
        }
        for part in in_powers(&new) {
            let sql = format!(
                "INSERT IGNORE INTO conversations (conversation_id, kind, first, second) VALUES {}",
                vec!["(?, 1, ?, ?)"; part.len()].join(", ")
            );
            let row = |(pair, id): &'_ (&'_ [UserKey; 2], MessageId)| (id.as_i64(), pair[0].clone(), pair[1].clone());
            let rows: Vec<_> = part.iter().map(row).collect();
            let values = rows
                .iter()
                .flat_map(|(id, first, second)| {
                    [Bind::Int(*id), Bind::Text(first.as_str()), Bind::Text(second.as_str())]
                })
                .collect();
            Statement::new(sql, values).run(self.connection).await.map_err(trouble)?;
        }
        // Somebody else may have begun one just now.
        let begun = find_pairs(self.connection, &missing).await.map_err(trouble)?;
        self.loaded.pairs.extend(begun);
        Ok(())
    }

    /// Locks all conversations that are free, in their order.
    async fn lock(&mut self, places_of: &HashMap<MessageId, ConversationId>) -> Result<(), Trouble> {
        let mut wanted: BTreeSet<ConversationId> = self.needs.conversations.clone();
        wanted.extend(self.loaded.pairs.values());
        wanted.extend(places_of.values());
        if wanted.is_empty() {
            return Ok(());
        }
        let ids = filled(wanted.iter().map(|id| Bind::Int(id.as_i64())).collect());
        let sql = format!(
            "SELECT conversation_id, first, second, last_seq, last_message_id FROM conversations
             WHERE conversation_id IN ({}) ORDER BY conversation_id FOR UPDATE SKIP LOCKED",
            places(ids.len())
        );
        for row in Statement::new(sql, ids).rows(self.connection).await.map_err(trouble)? {
            let conversation = Conversation {
                pair: [user(&row, 1)?, user(&row, 2)?],
                last_seq: number(&row, 3),
                last_message_id: MessageId(number(&row, 4)),
                is_new: false,
            };
            self.loaded.conversations.insert(ConversationId(number(&row, 0)), conversation);
        }
        wanted.retain(|id| !self.loaded.conversations.contains_key(id));
        if wanted.is_empty() {
            return Ok(());
        }
        // Locked elsewhere, or not there at all.
        let ids = filled(wanted.iter().map(|id| Bind::Int(id.as_i64())).collect());
        let sql = format!("SELECT conversation_id FROM conversations WHERE conversation_id IN ({})", places(ids.len()));
        let rows = Statement::new(sql, ids).rows(self.connection).await.map_err(trouble)?;
        self.loaded.exist = rows.iter().map(|row| ConversationId(number(row, 0))).collect();
        Ok(())
    }

    async fn load(&mut self, known: &Known) -> Result<(), Trouble> {
        self.load_members().await?;
        self.load_users(known).await?;
        let Work { connection, needs, loaded } = self;
        if !needs.names.is_empty() {
            let pairs = needs.names.iter().map(|(user, name)| (user.as_str(), *name));
            let select =
                "SELECT from_user, temp_message_id, message_id, conversation_id, conv_seq, digest FROM duplicates";
            let rows = select_pairs(connection, select, ["from_user", "temp_message_id"], pairs).await?;
            for row in &rows {
                let mut digest = [0; 16];
                digest.copy_from_slice(&bytes(row, 5)[..16]);
                let earlier = Earlier {
                    message_id: MessageId(number(row, 2)),
                    conversation: ConversationId(number(row, 3)),
                    conv_seq: number(row, 4),
                    digest,
                };
                loaded.earlier.insert((user(row, 0)?, text(row, 1).into()), earlier);
            }
        }
        if !needs.blocks.is_empty() {
            let pairs = needs.blocks.iter().map(|(user, other)| (user.as_str(), other.as_str()));
            let select = "SELECT user_key, blocked FROM blocks";
            for row in &select_pairs(connection, select, ["user_key", "blocked"], pairs).await? {
                loaded.blocks.insert((user(row, 0)?, user(row, 1)?));
            }
        }
        if !needs.contacts.is_empty() {
            let pairs = needs.contacts.iter().map(|(user, other)| (user.as_str(), other.as_str()));
            let select = "SELECT user_key, contact, remark FROM contacts";
            for row in &select_pairs(connection, select, ["user_key", "contact"], pairs).await? {
                loaded.contacts.insert((user(row, 0)?, user(row, 1)?), text(row, 2).into());
            }
        }
        self.load_targets().await
    }

    async fn load_members(&mut self) -> Result<(), Trouble> {
        if self.loaded.conversations.is_empty() {
            return Ok(());
        }
        let ids = filled(self.loaded.conversations.keys().map(|id| Bind::Int(id.as_i64())).collect());
        let sql = format!(
            "SELECT conversation_id, user_key, peer, last_message_id, unread, cleared_seq, pinned, muted, draft, rev,
                 changed_ms FROM members WHERE conversation_id IN ({})",
            places(ids.len())
        );
        for row in Statement::new(sql, ids).rows(self.connection).await.map_err(trouble)? {
            let member = Member {
                peer: user(&row, 2)?,
                last_message_id: MessageId(number(&row, 3)),
                unread: number(&row, 4),
                cleared_seq: number(&row, 5),
                pinned: number(&row, 6) > 0,
                muted: number(&row, 7) > 0,
                draft: text(&row, 8).into(),
                rev: number(&row, 9),
                changed_ms: number(&row, 10),
            };
            self.loaded.members.insert((ConversationId(number(&row, 0)), user(&row, 1)?), member);
        }
        Ok(())
    }

    /// Who there is, and the rows of those whose lists may change, locked.
    async fn load_users(&mut self, known: &Known) -> Result<(), Trouble> {
        let is_known = |user: &&&UserKey| known.users.contains(**user);
        self.loaded.known = self.needs.users.iter().filter(is_known).map(|user| (*user).clone()).collect();
        let unknown: Vec<&UserKey> =
            self.needs.users.iter().copied().filter(|user| !known.users.contains(*user)).collect();
        if !unknown.is_empty() {
            let keys = filled(unknown.iter().map(|user| Bind::Text(user.as_str())).collect());
            let sql = format!("SELECT user_key FROM users WHERE user_key IN ({})", places(keys.len()));
            for row in Statement::new(sql, keys).rows(self.connection).await.map_err(trouble)? {
                self.loaded.known.insert(user(&row, 0)?);
            }
        }
        if !self.needs.lists.is_empty() {
            let keys = filled(self.needs.lists.iter().map(|user| Bind::Text(user.as_str())).collect());
            let sql = format!(
                "SELECT user_key, lists_rev FROM users WHERE user_key IN ({}) ORDER BY user_key FOR UPDATE",
                places(keys.len())
            );
            for row in Statement::new(sql, keys).rows(self.connection).await.map_err(trouble)? {
                self.loaded.lists_revs.insert(user(&row, 0)?, number(&row, 1));
            }
        }
        Ok(())
    }

    async fn load_targets(&mut self) -> Result<(), Trouble> {
        if !self.needs.messages.is_empty() {
            let ids = filled(self.needs.messages.iter().map(|id| Bind::Int(id.as_i64())).collect());
            let sql = format!(
                "SELECT m.message_id, m.conversation_id, m.conv_seq, m.from_user, m.kind, m.recalled,
                     COALESCE(r.read_ms, 0)
                 FROM messages m LEFT JOIN read_marks r
                     ON r.conversation_id = m.conversation_id AND r.conv_seq = m.conv_seq
                 WHERE m.message_id IN ({})",
                places(ids.len())
            );
            for row in Statement::new(sql, ids).rows(self.connection).await.map_err(trouble)? {
                let kind = u8::try_from(number(&row, 4)).ok().and_then(MessageType::from_number);
                let target = Target {
                    conversation: ConversationId(number(&row, 1)),
                    conv_seq: number(&row, 2),
                    from: user(&row, 3)?,
                    kind: kind.unwrap_or(MessageType::System),
                    recalled: number(&row, 5),
                    read_ms: number(&row, 6),
                };
                self.loaded.targets.insert(MessageId(number(&row, 0)), target);
            }
        }
        for (conversation, user, above) in &self.needs.unread {
            let sql = "SELECT COUNT(*) FROM messages m LEFT JOIN read_marks r
                    ON r.conversation_id = m.conversation_id AND r.conv_seq = m.conv_seq
                WHERE m.conversation_id = ? AND m.conv_seq > ? AND m.from_user <> ? AND m.recalled = 0
                    AND m.kind NOT IN (9, 10) AND r.read_ms IS NULL";
            let values = vec![Bind::Int(conversation.as_i64()), Bind::Int(*above as i64), Bind::Text(user.as_str())];
            let rows = Statement::new(sql, values).rows(self.connection).await.map_err(trouble)?;
            let count = rows.first().map_or(0, |row| number(row, 0));
            self.loaded.unread_above.insert((*conversation, (*user).clone(), *above), count);
        }
        Ok(())
    }
}

impl Known {
    fn learn(&mut self, loaded: &Loaded) {
        if self.pairs.len() > KNOWN {
            self.pairs.clear();
        }
        if self.users.len() > KNOWN {
            self.users.clear();
        }
        self.pairs.extend(loaded.pairs.iter().map(|(pair, id)| (pair.clone(), *id)));
        self.users.extend(loaded.known.iter().cloned());
    }
}

async fn find_pairs(
    connection: &mut MySqlConnection,
    pairs: &[&[UserKey; 2]],
) -> Result<HashMap<[UserKey; 2], ConversationId>, sqlx::Error> {
    let one = "(kind = 1 AND first = ? AND second = ?)";
    let mut values: Vec<_> = pairs.iter().map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
    if let Some(last) = values.last().copied() {
        values.resize(values.len().next_power_of_two(), last);
    }
    let wanted = vec![one; values.len()].join(" OR ");
    let sql = format!("SELECT conversation_id, first, second FROM conversations WHERE {wanted}");
    let binds = values.iter().flat_map(|(first, second)| [Bind::Text(first), Bind::Text(second)]).collect();
    let rows = Statement::new(sql, binds).rows(connection).await?;
    let read = |row: &MySqlRow| {
        Some(([text(row, 1).parse().ok()?, text(row, 2).parse().ok()?], ConversationId(number(row, 0))))
    };
    Ok(rows.iter().filter_map(read).collect())
}

/// Rows by two columns of text, which an index has.
async fn select_pairs<'a>(
    connection: &mut MySqlConnection,
    select: &str,
    [first, second]: [&str; 2],
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<MySqlRow>, Trouble> {
    let mut pairs: Vec<_> = pairs.collect();
    if let Some(last) = pairs.last().copied() {
        pairs.resize(pairs.len().next_power_of_two(), last);
    }
    let wanted = vec![format!("({first} = ? AND {second} = ?)"); pairs.len()].join(" OR ");
    let values = pairs.iter().flat_map(|(first, second)| [Bind::Text(first), Bind::Text(second)]).collect();
    Statement::new(format!("{select} WHERE {wanted}"), values).rows(connection).await.map_err(trouble)
}

fn user(row: &MySqlRow, at: usize) -> Result<UserKey, Trouble> {
    text(row, at).parse().map_err(|error: types::UserKeyError| Trouble::Bad(error.to_string().into()))
}
