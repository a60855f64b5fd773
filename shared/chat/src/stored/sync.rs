//! `sync {token?, v?, heads?, cursor?, limit?}`: brings a client to where the store is.
//!
//! ```text
//! first time   {}                  ─► a page of the list, the newest entries of each, more, cursor ─► {cursor} ─► … token
//! later        {token, v}          ─► nothing was missed: the token again, without asking the store
//!                                  └► the conversations that changed, more, cursor
//!              {token, heads, cursor} ─► entries above the heads; conversations that changed meanwhile; more ─► … token
//! ```
//!
//! Only the last page has a token. It holds the version that was read before the first page, which the cursors carry: whatever
//! changes after that raises the version, so the client has its push, or the next time is no match.

use super::conversations::Place;
use super::page::{fitting, weight, weight_of_row};
use super::token::{self, Token};
use crate::command::read;
use crate::reply::{Conversation, Synced};
use crate::{Chat, Error, Reply, Window};
use bus::Version;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use store::{Range, Store, Summary, newest_of};
use types::{Channel, ConversationId, Entry, Failure, UserKey};

/// The request.
#[derive(Debug, Deserialize)]
pub struct Sync {
    token: Option<String>,
    /// The last number up to which the client has every push.
    v: Option<u64>,
    /// What the client has of the conversations that this sync has named.
    #[serde(default)]
    heads: HashMap<ConversationId, u64>,
    cursor: Option<String>,
    limit: Option<usize>,
}

const TAKES: &str = "{token?, v?, heads?: {conversation_id: conv_seq}, cursor?, limit?: 20 to 1000}";

/// Entries of a page.
const MOST: usize = 1_000;
const LEAST: usize = 20;
const USUAL: usize = 200;

/// Entries of a conversation that a client sees for the first time.
const NEWEST: u64 = 20;

/// Conversations that the first sync names in all: older ones are in the list.
const NAMED: usize = 1_000;

/// Conversations that one page of a later sync names.
const CHANGED: usize = 200;

/// Conversations whose heads a client sends at once.
const HEADS: usize = 5_000;

/// A change is committed some time after the time that it carries: so much is looked at again.
const OVERLAP_MS: u64 = 60_000;

/// A change becomes visible at most so long after its time, unless its batch was held up.
const MOVED_MS: u64 = 5_000;

/// The first sync between two pages.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    place: Place,
    named: usize,
    /// As it was before the first page.
    token: Token,
}

impl Sync {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let command: Self = read("sync", TAKES, payload)?;
        if command.heads.len() > HEADS {
            return Err(Failure::bad_request(format!("sync takes at most {HEADS} heads")));
        }
        Ok(command)
    }
}

impl Chat {
    pub(crate) async fn sync(&self, window: &dyn Window, command: Sync) -> Result<Reply, Error> {
        let (store, user) = (self.store()?, &window.identity().user);
        // From now on this window is held to its receipts.
        window.receipts().lock().begin();
        let limit = command.limit.unwrap_or(USUAL).clamp(LEAST, MOST);
        let no_cursor = || Failure::bad_request("this is no cursor of ours");
        if let Some(cursor) = command.cursor.as_ref().filter(|_| command.token.is_none()) {
            let progress: Progress = token::read(cursor).ok_or_else(no_cursor)?;
            if !progress.token.is_of(user) {
                return Err(Failure::bad_request("this cursor is somebody else's").into());
            }
            return Ok(Reply::Synced(self.list_page(store, user, limit, Some(progress)).await?));
        }
        let known: Option<Token> =
            command.token.as_deref().and_then(token::read).filter(|token: &Token| token.is_of(user));
        let Some(known) = known else {
            let mut first = self.list_page(store, user, limit, None).await?;
            first.reset = command.token.is_some();
            return Ok(Reply::Synced(first));
        };
        if let Some(cursor) = &command.cursor {
            let begun: Token = token::read(cursor).filter(|begun: &Token| begun.is_of(user)).ok_or_else(no_cursor)?;
            return Ok(Reply::Synced(changes(store, user, &command.heads, limit, known.time_ms, &begun).await?));
        }
        if !command.heads.is_empty() {
            // Nobody remembers when this sync began: the next one looks at everything again.
            let begun = Token::new(user.clone(), None, known.time_ms);
            return Ok(Reply::Synced(changes(store, user, &command.heads, limit, known.time_ms, &begun).await?));
        }
        let version = self.version_of(user).await;
        if let Some(now) = version.as_ref().filter(|now| known.is_at(now, command.v)) {
            let v = now.number;
            let token = Token::new(user.clone(), version, known.time_ms);
            return Ok(Reply::Synced(Synced { token: Some(token::write(&token)), v: Some(v), ..Synced::default() }));
        }
        let begun = Token::new(user.clone(), version, store.now_ms());
        Ok(Reply::Synced(changes(store, user, &command.heads, limit, known.time_ms, &begun).await?))
    }

    /// The version of the user's channel; nothing while the Redis node is down.
    async fn version_of(&self, user: &UserKey) -> Option<Version> {
        match self.bus.version(&Channel::User(user.clone())).await {
            Ok(version) => Some(version),
            Err(error) => {
                tracing::debug!(%error, "a version could not be read");
                None
            }
        }
    }

    /// A page of the first sync.
    async fn list_page(
        &self,
        store: &Store,
        user: &UserKey,
        limit: usize,
        progress: Option<Progress>,
    ) -> Result<Synced, Error> {
        let (place, named, token) = match progress {
            Some(Progress { place, named, token }) => (Some(place), named, token),
            None => {
                // Read before the store.
                let version = self.version_of(user).await;
                (None, 0, Token::new(user.clone(), version, store.now_ms()))
            }
        };
        let most = (limit / NEWEST as usize).min(NAMED - named.min(NAMED));
        let mut found = store.conversations(user, place.map(Place::after), most).await?;
        let ranges: Vec<Range> = found.iter().map(|row| newest_of(row.conversation_id, row.head, NEWEST)).collect();
        let mut messages = store.entries(user, &ranges).await?;
        let is_full = found.len() == most;
        let cut = cut_conversations(&mut found, &mut messages);
        let named = named + found.len();
        let last = found.last().filter(|_| (is_full || cut) && named < NAMED).map(Place::of);
        let mut page = Synced {
            conversations: found.into_iter().map(Conversation::from).collect(),
            messages,
            ..Synced::default()
        };
        match last {
            Some(place) => {
                page.more = true;
                page.cursor = Some(token::write(&Progress { place, named, token }));
            }
            None => {
                if named > page.conversations.len() {
                    add_moved(store, user, &token, &mut page).await?;
                }
                finish(store, user, &token, &mut page).await?;
            }
        }
        Ok(page)
    }
}

/// Leaves out the last conversations, with their entries, if there is more than one answer holds; whether any were.
fn cut_conversations(rows: &mut Vec<Summary>, messages: &mut Vec<Entry>) -> bool {
    let mut weights: HashMap<ConversationId, usize> =
        rows.iter().map(|row| (row.conversation_id, weight_of_row(row))).collect();
    for entry in &*messages {
        *weights.entry(entry.conversation_id()).or_default() += weight(entry);
    }
    let fits = fitting(rows.iter().map(|row| weights[&row.conversation_id]));
    let left: HashSet<ConversationId> = rows.drain(fits..).map(|row| row.conversation_id).collect();
    messages.retain(|entry| !left.contains(&entry.conversation_id()));
    !left.is_empty()
}

/// Adds to the last of several pages what changed since the first: it may have moved from behind a page to before it, and not have
/// been named at all.
async fn add_moved(store: &Store, user: &UserKey, begun: &Token, page: &mut Synced) -> Result<(), Error> {
    let mut moved = store.changed_since(user, begun.time_ms.saturating_sub(MOVED_MS), CHANGED).await?;
    moved.retain(|row| page.conversations.iter().all(|named| named.conversation_id != row.conversation_id));
    let ranges: Vec<Range> = moved.iter().map(|row| newest_of(row.conversation_id, row.head, NEWEST)).collect();
    let mut messages = store.entries(user, &ranges).await?;
    cut_conversations(&mut moved, &mut messages);
    page.conversations.extend(moved.into_iter().map(Conversation::from));
    page.messages.extend(messages);
    page.messages.sort_by_key(|entry| (entry.conversation_id(), entry.conv_seq()));
    Ok(())
}

/// What changed since a time, for a client that has so much.
async fn changes(
    store: &Store,
    user: &UserKey,
    heads: &HashMap<ConversationId, u64>,
    limit: usize,
    since_ms: u64,
    begun: &Token,
) -> Result<Synced, Error> {
    let since_ms = since_ms.saturating_sub(OVERLAP_MS);
    let changed = store.changed_since(user, since_ms, heads.len() + CHANGED).await?;
    let (known, mut new): (Vec<Summary>, Vec<Summary>) =
        changed.into_iter().partition(|row| heads.contains_key(&row.conversation_id));
    // The others are named in the next round.
    new.truncate(fitting(new.iter().map(weight_of_row)));
    let (messages, cut) = above_heads(store, user, heads, &known, limit).await?;
    let ids: Vec<ConversationId> = new.iter().map(|row| row.conversation_id).collect();
    let (marks, mut deleted) = store.marks_since(user, &ids, since_ms).await?;
    let conversations: Vec<Conversation> = new
        .into_iter()
        .map(|row| {
            let (id, peer) = (row.conversation_id, row.peer.clone());
            let mut conversation = Conversation::from(row);
            conversation.read =
                crate::reply::marks(marks.iter().filter(|mark| mark.conversation_id == id), user, &peer);
            conversation.deleted = deleted.remove(&id).unwrap_or_default();
            conversation
        })
        .collect();
    let mut page = Synced { more: cut || !conversations.is_empty(), conversations, messages, ..Synced::default() };
    match page.more {
        true => page.cursor = Some(token::write(begun)),
        false => finish(store, user, begun, &mut page).await?,
    }
    Ok(page)
}

/// Entries above the heads, at most so many; and whether there are more.
async fn above_heads(
    store: &Store,
    user: &UserKey,
    heads: &HashMap<ConversationId, u64>,
    known: &[Summary],
    limit: usize,
) -> Result<(Vec<Entry>, bool), Error> {
    let (mut ranges, mut room, mut cut) = (Vec::new(), limit as u64, false);
    for row in known {
        let head = heads.get(&row.conversation_id).copied().unwrap_or_default();
        let mut range = match head {
            0 => newest_of(row.conversation_id, row.head, NEWEST),
            above => Range { conversation: row.conversation_id, above, up_to: row.head },
        };
        if range.up_to <= range.above {
            continue;
        }
        let wanted = range.up_to - range.above;
        if wanted > room {
            cut = true;
            range.up_to = range.above + room;
        }
        room = room.saturating_sub(wanted);
        if range.up_to > range.above {
            ranges.push(range);
        }
    }
    let mut entries = store.entries(user, &ranges).await?;
    let fits = fitting(entries.iter().map(weight));
    cut |= fits < entries.len();
    entries.truncate(fits);
    Ok((entries, cut))
}

async fn finish(store: &Store, user: &UserKey, token: &Token, page: &mut Synced) -> Result<(), Error> {
    page.lists_rev = Some(store.lists_rev(user).await?);
    page.token = Some(token::write(token));
    page.v = Some(token.number());
    Ok(())
}
