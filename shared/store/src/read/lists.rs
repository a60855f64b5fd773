//! People: who somebody is, a user's contacts and blocked users; and searching.

use super::{ReadError, Reader, entries};
use crate::Store;
use crate::model::{Contact, Profile, QuickReply};
use crate::query::{Query, Row, places};
use crate::words::Search;
use types::{ConversationId, Entry, MessageId, UserKey};

/// People that a list holds at most: whoever has more keeps them elsewhere.
const MOST_LISTED: i64 = 5_000;

impl Store {
    /// Those of the users that there are.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn profiles(&self, users: &[UserKey]) -> Result<Vec<Profile>, ReadError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.reader.row_list(profiles(users)).await?;
        Ok(rows.iter().filter_map(|row| read_profile(row, 0)).collect())
    }

    /// The user's contacts, by key.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn contacts(&self, user: &UserKey) -> Result<Vec<Contact>, ReadError> {
        let rows = self.reader.row_list(contacts(user)).await?;
        let contact = |row: &Row| Some(Contact { profile: read_profile(row, 0)?, remark: row.text(3).into() });
        Ok(rows.iter().filter_map(contact).collect())
    }

    /// Whom the user has blocked, and since when, in milliseconds since 1970; the newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn blocked(&self, user: &UserKey) -> Result<Vec<(UserKey, u64)>, ReadError> {
        let rows = self.reader.row_list(blocked(user)).await?;
        Ok(rows.iter().filter_map(|row| Some((row.text(0).parse().ok()?, row.number(1)))).collect())
    }

    /// What the user says often, by folder and in the order in which it was saved first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn quick_replies(&self, user: &UserKey) -> Result<Vec<QuickReply>, ReadError> {
        let rows = self.reader.row_list(quick_replies(user)).await?;
        let text = |row: &Row, at| row.text(at).into();
        let reply =
            |row| QuickReply { id: text(row, 0), folder: text(row, 1), shortcut: text(row, 2), text: text(row, 3) };
        Ok(rows.iter().map(reply).collect())
    }

    /// The revision of the user's lists.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn lists_rev(&self, user: &UserKey) -> Result<u64, ReadError> {
        let rows = self.reader.row_list(lists_rev(user)).await?;
        Ok(rows.first().map_or(0, |row| row.number(0)))
    }

    /// Of the user's contacts and those the user talks with: whose key begins so, or whose name or remark has it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn search_users(&self, user: &UserKey, text: &str, limit: usize) -> Result<Vec<Profile>, ReadError> {
        let rows = self.reader.row_list(search_users(user, text, limit)).await?;
        Ok(rows.iter().filter_map(|row| read_profile(row, 0)).collect())
    }

    /// Messages of the user's conversations that have the text, newest first, below an id; and whether there may be more.
    /// A message can be found some seconds after it was sent.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn search_messages(
        &self,
        user: &UserKey,
        text: &str,
        within: Option<ConversationId>,
        below: Option<MessageId>,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), ReadError> {
        let Some(search) = Search::of(text, user, within) else { return Ok((Vec::new(), false)) };
        let below = below.unwrap_or(MessageId(i64::MAX as u64));
        let found = self.reader.row_list(search_words(&self.reader, &search, below, limit + 1)).await?;
        let more = found.len() > limit;
        let ids: Vec<MessageId> = found.iter().take(limit).map(|row| MessageId(row.number(0))).collect();
        if ids.is_empty() {
            return Ok((Vec::new(), false));
        }
        let rows = self.reader.row_list(entries::by_id(user, &ids)).await?;
        let mut entries: Vec<(u64, Entry)> =
            rows.iter().filter_map(|row| Some((row.number(2), entries::read(row)?))).collect();
        // What was deleted or recalled meanwhile has no text any more.
        entries.retain(|(_, entry)| matches!(entry, Entry::Message(message) if !message.recalled));
        entries.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        Ok((entries.into_iter().map(|(_, entry)| entry).collect(), more))
    }
}

pub(crate) fn profiles(users: &[UserKey]) -> Query {
    let text = format!("SELECT user_key, nickname, avatar FROM users WHERE user_key IN ({})", places(users.len()));
    users.iter().fold(Query::new(text), |query, user| query.text(user.as_str()))
}

pub(crate) fn quick_replies(user: &UserKey) -> Query {
    Query::new(
        "SELECT reply_id, folder, shortcut, body FROM quick_replies WHERE user_key = ?
         ORDER BY folder, created_ms, reply_id LIMIT ?",
    )
    .text(user.as_str())
    .int(MOST_LISTED)
}

pub(crate) fn contacts(user: &UserKey) -> Query {
    Query::new(
        "SELECT u.user_key, u.nickname, u.avatar, c.remark FROM contacts c JOIN users u ON u.user_key = c.contact
         WHERE c.user_key = ? ORDER BY c.contact LIMIT ?",
    )
    .text(user.as_str())
    .int(MOST_LISTED)
}

pub(crate) fn blocked(user: &UserKey) -> Query {
    Query::new("SELECT blocked, created_ms FROM blocks WHERE user_key = ? ORDER BY created_ms DESC, blocked LIMIT ?")
        .text(user.as_str())
        .int(MOST_LISTED)
}

pub(crate) fn lists_rev(user: &UserKey) -> Query {
    Query::new("SELECT lists_rev FROM users WHERE user_key = ?").text(user.as_str())
}

pub(crate) fn search_users(user: &UserKey, text: &str, limit: usize) -> Query {
    let escaped: String =
        text.chars().flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c])).collect();
    let anywhere = format!("%{escaped}%");
    // No key has other letters, and MySQL would not compare them.
    let begins = if text.is_ascii() { format!("{escaped}%") } else { String::new() };
    Query::new(
        "SELECT u.user_key, u.nickname, u.avatar FROM
             (SELECT contact AS other, remark FROM contacts WHERE user_key = ?
              UNION SELECT peer, '' FROM members WHERE user_key = ?) AS theirs
         JOIN users u ON u.user_key = theirs.other
         WHERE u.user_key LIKE ? ESCAPE '!' OR u.nickname LIKE ? ESCAPE '!' OR theirs.remark LIKE ? ESCAPE '!'
         GROUP BY u.user_key, u.nickname, u.avatar ORDER BY u.user_key LIMIT ?",
    )
    .text(user.as_str())
    .text(user.as_str())
    .text(begins)
    .text(anywhere.clone())
    .text(anywhere)
    .int(limit as i64)
}

/// The one query that each engine has its own words for.
pub(crate) fn search_words(reader: &Reader, search: &Search, below: MessageId, limit: usize) -> Query {
    let (text, words) = match reader {
        Reader::Sqlite(_) => {
            ("SELECT rowid FROM words WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?", search.fts5())
        }
        Reader::Mysql(_) => (
            "SELECT message_id FROM words WHERE MATCH (words) AGAINST (? IN BOOLEAN MODE) AND message_id < ?
             ORDER BY message_id DESC LIMIT ?",
            search.boolean(),
        ),
    };
    Query::new(text).text(words).int(below.as_i64()).int(limit as i64)
}

fn read_profile(row: &Row, at: usize) -> Option<Profile> {
    Some(Profile {
        user: row.text(at).parse().ok()?,
        nickname: row.text(at + 1).into(),
        avatar: row.text(at + 2).into(),
    })
}
