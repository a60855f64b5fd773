//! What the store has, asked over HTTP as each user.

use crate::record::{Line, Record, State};
use crate::screen::line;
use anyhow::{Context, ensure};
use client::rules::{Entry, Message};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tests::http;
use types::{ConversationId, UserKey};

/// Far more than any round has.
const MOST_PAGES: usize = 10_000;

#[derive(Deserialize)]
struct Named {
    conversation_id: ConversationId,
    head: u64,
    #[serde(default)]
    unread: u64,
    #[serde(default)]
    pinned: bool,
    #[serde(default)]
    muted: bool,
    #[serde(default)]
    draft: String,
}

#[derive(Deserialize)]
struct List {
    conversations: Vec<Named>,
    #[serde(default)]
    cursor: Option<Value>,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Value>,
    more: bool,
}

/// All conversations of a user, whole.
///
/// # Errors
/// It is refused, or answers something else.
pub(crate) async fn of(server: SocketAddr, user: &UserKey) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let list: List = ask(server, user, "listConversations", &json!({"limit": 50, "cursor": cursor})).await?;
        for named in list.conversations {
            let lines = lines(server, user, named.conversation_id).await?;
            let Named { head, unread, pinned, muted, draft, .. } = named;
            let conversation = named.conversation_id.to_string();
            let state = State { head, unread, pinned, muted, draft };
            records.push(Record::Stored { user: user.to_string(), conversation, lines, state });
        }
        cursor = list.cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(records)
}

async fn lines(server: SocketAddr, user: &UserKey, id: ConversationId) -> anyhow::Result<Vec<Line>> {
    let (mut lines, mut after) = (Vec::<Line>::new(), 0);
    for _ in 0..MOST_PAGES {
        let request = json!({"conversation_id": id, "after": after, "limit": 200});
        let page: Page = ask(server, user, "history", &request).await?;
        for entry in page.messages {
            let message: Message = serde_json::from_value(entry).context("an entry")?;
            lines.push(line(&Entry::Message(Arc::new(message))));
        }
        after = lines.last().map_or(after, |line| line.number);
        if !page.more {
            break;
        }
    }
    Ok(lines)
}

async fn ask<T: for<'a> Deserialize<'a>>(
    server: SocketAddr,
    user: &UserKey,
    what: &str,
    request: &Value,
) -> anyhow::Result<T> {
    let path = format!("/api/v1/{what}?userId={user}");
    let json = [("Content-Type", "application/json")];
    let answer = http::request(server, "POST", &path, &json, request.to_string().as_bytes()).await?;
    ensure!(answer.status == 200, "{what} answered {}: {}", answer.status, answer.text());
    serde_json::from_slice(&answer.body).with_context(|| what.to_owned())
}
