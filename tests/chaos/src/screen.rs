//! What a person sees on a device: built from the client's events alone, as an application would.

use crate::record::Line;
use client::rules::{Change, Entry};
use std::collections::BTreeMap;
use types::ConversationId;

/// The lines of each conversation, from top to bottom.
#[derive(Debug, Default, Clone)]
pub(crate) struct Screen(pub(crate) BTreeMap<ConversationId, Vec<Line>>);

impl Screen {
    /// Does what the change says, also where it makes no sense: a line that comes twice stands there twice.
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Added { entry, before } => {
                let lines = self.0.entry(entry.conversation_id()).or_default();
                let place = before.and_then(|before| lines.iter().rposition(|line| line.number == before));
                lines.insert(place.unwrap_or(lines.len()), line(entry));
            }
            Change::Updated { entry } => {
                let lines = self.0.entry(entry.conversation_id()).or_default();
                for known in lines.iter_mut().filter(|line| line.number == entry.conv_seq()) {
                    *known = line(entry);
                }
            }
            Change::Forgotten { conversation_id, below } => {
                let lines = self.0.entry(*conversation_id).or_default();
                lines.retain(|line| line.number >= *below);
            }
            _ => {}
        }
    }
}

/// An entry as a line. The name is its text.
pub(crate) fn line(entry: &Entry) -> Line {
    let Some(message) = entry.message() else {
        return Line { id: 0, number: entry.conv_seq(), name: String::new(), from: String::new(), read_at: None };
    };
    let name = message.message.as_ref().and_then(|body| serde_json::from_str(body.get()).ok());
    Line {
        id: message.message_id.0,
        number: message.conv_seq,
        name: name.unwrap_or_default(),
        from: message.from_user_id.to_string(),
        read_at: message.read_at,
    }
}
