//! Writing what was decided: one statement a table, for all rows of the batch.

use super::statement::{Bind, Statement, in_powers, tuples};
use crate::plan::Writes;
use sqlx::mysql::MySqlConnection;

pub(super) async fn write(connection: &mut MySqlConnection, writes: &Writes, now_ms: u64) -> Result<(), sqlx::Error> {
    let now = Bind::Int(now_ms as i64);
    let messages = writes.messages.iter().map(|new| {
        let (from, body) = (Bind::Text(new.from.as_str()), Bind::Text(&new.body));
        let (conversation, seq) = (Bind::Int(new.conversation.as_i64()), Bind::Int(new.conv_seq as i64));
        [conversation, seq, Bind::Int(new.message_id.as_i64()), from, Bind::Int(new.kind.number().into()), body]
    });
    let into = "messages (conversation_id, conv_seq, message_id, from_user, kind, body)";
    insert(connection, "INSERT", into, "", messages).await?;

    let names = writes.duplicates.iter().map(|(from, name, earlier)| {
        let (message, conversation) = (earlier.message_id.as_i64(), earlier.conversation.as_i64());
        [
            Bind::Text(from.as_str()),
            Bind::Text(name),
            Bind::Int(message),
            Bind::Int(conversation),
            Bind::Int(earlier.conv_seq as i64),
            Bind::Bytes(&earlier.digest),
        ]
    });
    let into = "duplicates (from_user, temp_message_id, message_id, conversation_id, conv_seq, digest)";
    insert(connection, "INSERT", into, "", names).await?;

    let conversations = writes.conversations.iter().map(|(id, row)| {
        let [first, second] = &row.pair;
        [
            Bind::Int(id.as_i64()),
            Bind::Int(1),
            Bind::Text(first.as_str()),
            Bind::Text(second.as_str()),
            Bind::Int(row.last_seq as i64),
            Bind::Int(row.last_message_id.as_i64()),
        ]
    });
    let into = "conversations (conversation_id, kind, first, second, last_seq, last_message_id)";
    let update = "ON DUPLICATE KEY UPDATE last_seq = VALUES(last_seq), last_message_id = VALUES(last_message_id)";
    insert(connection, "INSERT", into, update, conversations).await?;

    let members = writes.members.iter().map(|((id, user), row)| {
        [
            Bind::Int(id.as_i64()),
            Bind::Text(user.as_str()),
            Bind::Text(row.peer.as_str()),
            Bind::Int(row.last_message_id.as_i64()),
            Bind::Int(row.unread as i64),
            Bind::Int(row.cleared_seq as i64),
            Bind::Int(row.pinned.into()),
            Bind::Int(row.muted.into()),
            Bind::Text(&row.draft),
            Bind::Int(row.rev as i64),
            Bind::Int(row.changed_ms as i64),
        ]
    });
    let into =
        "members (conversation_id, user_key, peer, last_message_id, unread, cleared_seq, pinned, muted, draft, rev,
        changed_ms)";
    let update = "ON DUPLICATE KEY UPDATE last_message_id = VALUES(last_message_id), unread = VALUES(unread),
        cleared_seq = VALUES(cleared_seq), pinned = VALUES(pinned), muted = VALUES(muted), draft = VALUES(draft),
        rev = VALUES(rev), changed_ms = VALUES(changed_ms)";
    insert(connection, "INSERT", into, update, members).await?;

    for (id, conv_seq, message, by) in &writes.recalled {
        let sql = "UPDATE messages SET recalled = ?, body = '' WHERE conversation_id = ? AND conv_seq = ?";
        let values = vec![Bind::Int(*by as i64), Bind::Int(id.as_i64()), Bind::Int(*conv_seq as i64)];
        Statement::new(sql, values).run(connection).await?;
        let sql = "DELETE FROM words WHERE message_id = ?";
        Statement::new(sql, vec![Bind::Int(message.as_i64())]).run(connection).await?;
    }
    let reads = writes.reads.iter().map(|(id, seq)| [Bind::Int(id.as_i64()), Bind::Int(*seq as i64), now]);
    insert(connection, "INSERT IGNORE", "read_marks (conversation_id, conv_seq, read_ms)", "", reads).await?;
    let deletions = writes
        .deletions
        .iter()
        .map(|(user, id, seq)| [Bind::Text(user.as_str()), Bind::Int(id.as_i64()), Bind::Int(*seq as i64), now]);
    let into = "deletions (user_key, conversation_id, conv_seq, deleted_ms)";
    insert(connection, "INSERT IGNORE", into, "", deletions).await?;
    write_lists(connection, writes, now).await
}

async fn write_lists(connection: &mut MySqlConnection, writes: &Writes, now: Bind<'_>) -> Result<(), sqlx::Error> {
    let users = writes.users.iter().map(|user| [Bind::Text(user.as_str()), now]);
    insert(connection, "INSERT IGNORE", "users (user_key, created_ms)", "", users).await?;
    let pair = |(user, other): &(types::UserKey, types::UserKey)| (user.as_str().to_owned(), other.as_str().to_owned());
    for (key, blocked) in &writes.blocks {
        let (user, other) = pair(key);
        let (sql, mut values) = match blocked {
            true => ("INSERT IGNORE INTO blocks (user_key, blocked, created_ms) VALUES (?, ?, ?)", vec![now]),
            false => ("DELETE FROM blocks WHERE user_key = ? AND blocked = ?", Vec::new()),
        };
        values.splice(0..0, [Bind::Text(&user), Bind::Text(&other)]);
        Statement::new(sql, values).run(connection).await?;
    }
    for (key, remark) in &writes.contacts {
        let (user, other) = pair(key);
        let both = [Bind::Text(&user), Bind::Text(&other)];
        let statement = match remark {
            Some(remark) => Statement::new(
                "INSERT INTO contacts (user_key, contact, remark, created_ms) VALUES (?, ?, ?, ?)
                 ON DUPLICATE KEY UPDATE remark = VALUES(remark)",
                [&both[..], &[Bind::Text(remark), now]].concat(),
            ),
            None => Statement::new("DELETE FROM contacts WHERE user_key = ? AND contact = ?", both.to_vec()),
        };
        statement.run(connection).await?;
    }
    for ((user, id), reply) in &writes.replies {
        let key = [Bind::Text(user.as_str()), Bind::Text(id)];
        let statement = match reply {
            Some(reply) => Statement::new(
                "INSERT INTO quick_replies (user_key, reply_id, folder, shortcut, body, created_ms) VALUES (?, ?, ?, ?, ?, ?)
                 ON DUPLICATE KEY UPDATE folder = VALUES(folder), shortcut = VALUES(shortcut), body = VALUES(body)",
                [&key[..], &[Bind::Text(&reply.folder), Bind::Text(&reply.shortcut), Bind::Text(&reply.text), now]].concat(),
            ),
            None => Statement::new("DELETE FROM quick_replies WHERE user_key = ? AND reply_id = ?", key.to_vec()),
        };
        statement.run(connection).await?;
    }
    let revs = writes.lists_revs.iter().map(|(user, rev)| [Bind::Text(user.as_str()), Bind::Int(*rev as i64), now]);
    let update = "ON DUPLICATE KEY UPDATE lists_rev = VALUES(lists_rev)";
    insert(connection, "INSERT", "users (user_key, lists_rev, created_ms)", update, revs).await?;
    let profiles = writes
        .profiles
        .iter()
        .map(|(user, (nickname, avatar))| [Bind::Text(user.as_str()), Bind::Text(nickname), Bind::Text(avatar), now]);
    let update = "ON DUPLICATE KEY UPDATE nickname = VALUES(nickname), avatar = VALUES(avatar)";
    insert(connection, "INSERT", "users (user_key, nickname, avatar, created_ms)", update, profiles).await
}

/// Writes rows, in few statements.
async fn insert<'a, const N: usize>(
    connection: &mut MySqlConnection,
    verb: &str,
    into: &str,
    rest: &str,
    rows: impl Iterator<Item = [Bind<'a>; N]>,
) -> Result<(), sqlx::Error> {
    let rows: Vec<[Bind<'a>; N]> = rows.collect();
    for part in in_powers(&rows) {
        let sql = format!("{verb} INTO {into} VALUES {} {rest}", tuples(part.len(), N));
        Statement::new(sql, part.concat()).run(connection).await?;
    }
    Ok(())
}
