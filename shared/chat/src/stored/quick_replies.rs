//! `quickReplies {op: "list" | "save" | "remove", …}`: what a user says often, ready to be sent.

use super::send::{is_name, unexpected};
use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::{Deserialize, Serialize};
use store::{Change, Done, QuickReply};
use types::{Code, Failure, without_lone_surrogates};

/// The request.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum QuickReplies {
    List {},
    /// In the place of the one of the same id.
    Save(Item),
    Remove {
        id: Box<str>,
    },
}

/// One of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item {
    id: Box<str>,
    #[serde(default)]
    folder: Box<str>,
    #[serde(default)]
    shortcut: Box<str>,
    text: Box<str>,
}

const TAKES: &str =
    "{op: \"list\"}, {op: \"save\", id, text, folder?, shortcut?} or {op: \"remove\", id}, the id of your making";

/// Replies of a user: more are found by nobody.
const MOST: usize = 500;
const MAX_TEXT_CHARS: usize = 2_000;
const MAX_NAME_CHARS: usize = 32;

impl QuickReplies {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let repaired = without_lone_surrogates(payload);
        let command: Self = read("quickReplies", TAKES, repaired.as_deref().unwrap_or(payload))?;
        match &command {
            Self::List {} => {}
            Self::Save(item) => item.check()?,
            Self::Remove { id } => check_id(id)?,
        }
        Ok(command)
    }
}

impl Item {
    fn check(&self) -> Result<(), Failure> {
        check_id(&self.id)?;
        let is_short = |name: &str| name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(char::is_control);
        if !is_short(&self.folder) || !is_short(&self.shortcut) || self.shortcut.contains(char::is_whitespace) {
            let names = format!("folder and shortcut have at most {MAX_NAME_CHARS} letters, a shortcut no spaces");
            return Err(Failure::bad_request(format!("quickReplies: {names}")));
        }
        if self.text.trim().is_empty() {
            return Err(Failure::bad_request("quickReplies: a reply has a text"));
        }
        if self.text.chars().count() > MAX_TEXT_CHARS {
            return Err(Failure::new(Code::TooLarge, format!("a quick reply has at most {MAX_TEXT_CHARS} letters")));
        }
        Ok(())
    }
}

impl From<Item> for QuickReply {
    fn from(Item { id, folder, shortcut, text }: Item) -> Self {
        Self { id, folder, shortcut, text }
    }
}

impl From<QuickReply> for Item {
    fn from(QuickReply { id, folder, shortcut, text }: QuickReply) -> Self {
        Self { id, folder, shortcut, text }
    }
}

fn check_id(id: &str) -> Result<(), Failure> {
    match is_name(id) {
        true => Ok(()),
        false => Err(Failure::bad_request("quickReplies: an id is 1 to 64 plain letters, digits and signs")),
    }
}

impl Chat {
    /// All of them, as they are then.
    pub(crate) async fn quick_replies(&self, window: &dyn Window, command: QuickReplies) -> Result<Reply, Error> {
        let user = &window.identity().user;
        let change = match command {
            QuickReplies::List {} => None,
            QuickReplies::Save(item) => {
                let known = self.store()?.quick_replies(user).await?;
                if known.len() >= MOST && known.iter().all(|one| one.id != item.id) {
                    return Err(Failure::new(Code::TooLarge, format!("there are {MOST} quick replies already")).into());
                }
                Some(Change::SaveReply(item.into()))
            }
            QuickReplies::Remove { id } => Some(Change::RemoveReply { id }),
        };
        let (mut lists_rev, mut v) = (None, None);
        if let Some(change) = change {
            let (done, version) = self.change(window, change).await?;
            let Done::Listed { lists_rev: rev } = done else { return Err(unexpected()) };
            (lists_rev, v) = (Some(rev), version);
        }
        let items = self.store()?.quick_replies(user).await?.into_iter().map(Item::from).collect();
        Ok(Reply::Items { items, lists_rev, v })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(payload: &serde_json::Value) -> Result<QuickReplies, Failure> {
        QuickReplies::parse(&payload.to_string())
    }

    #[test]
    fn a_reply_has_a_text_and_short_names() {
        let good =
            serde_json::json!({"op": "save", "id": "r1", "text": "您好", "folder": "售前 接待", "shortcut": "hi"});
        assert!(matches!(parse(&good).unwrap(), QuickReplies::Save(_)));
        for (id, text, folder, shortcut) in [
            ("", "x", "", ""),
            ("r", " ", "", ""),
            ("r", "x", "a\u{0}", ""),
            ("r", "x", "", "a b"),
            ("r", "x", &"长".repeat(33), ""),
        ] {
            let payload =
                serde_json::json!({"op": "save", "id": id, "text": text, "folder": folder, "shortcut": shortcut});
            assert_eq!(parse(&payload).unwrap_err().code, Code::BadRequest, "{payload}");
        }
        let long = serde_json::json!({"op": "save", "id": "r", "text": "长".repeat(2_001)});
        assert_eq!(parse(&long).unwrap_err().code, Code::TooLarge);
    }

    #[test]
    fn what_is_none_of_the_three_is_refused() {
        for payload in [serde_json::json!({}), serde_json::json!({"op": "burn"}), serde_json::json!({"op": "remove"})] {
            assert_eq!(parse(&payload).unwrap_err().code, Code::BadRequest);
        }
        assert!(matches!(parse(&serde_json::json!({"op": "list"})).unwrap(), QuickReplies::List {}));
    }
}
