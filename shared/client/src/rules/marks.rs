//! What is known of entries that are not here: marks that overtook what they mark.
//!
//! A push may come before an answer that was read from the store earlier, and before another push that was late. So a mark
//! waits until its entry comes, or until nothing is under way that could still bring an older copy of it.

use super::entry::Entry;
use std::collections::{BTreeMap, BTreeSet};
use types::MessageId;

/// Marks of one conversation that wait. Empty nearly always.
#[derive(Debug, Default)]
pub(super) struct Marks {
    read: BTreeMap<MessageId, u64>,
    recalled: BTreeSet<u64>,
    deleted: BTreeSet<u64>,
}

/// Marks of one kind in one conversation. What is forgotten beyond is told again by a sync.
const MOST: usize = 1000;

impl Marks {
    pub(super) fn is_empty(&self) -> bool {
        self.read.is_empty() && self.recalled.is_empty() && self.deleted.is_empty()
    }

    pub(super) fn read(&mut self, id: MessageId, read_at: u64) {
        let known = self.read.entry(id).or_insert(read_at);
        *known = read_at.min(*known);
        if self.read.len() > MOST {
            self.read.pop_first();
        }
    }

    pub(super) fn recalled(&mut self, conv_seq: u64) {
        keep(&mut self.recalled, conv_seq);
    }

    pub(super) fn deleted(&mut self, conv_seq: u64) {
        keep(&mut self.deleted, conv_seq);
    }

    /// Marks an entry that has come.
    pub(super) fn apply(&mut self, entry: &mut Entry) {
        if let Some(read_at) = entry.message_id().and_then(|id| self.read.remove(&id)) {
            entry.mark_read(read_at);
        }
        if self.recalled.remove(&entry.conv_seq()) {
            entry.mark_recalled();
        }
        if self.deleted.remove(&entry.conv_seq()) {
            entry.mark_deleted();
        }
    }

    /// Forgets those of entries up to here: whoever fetches one from now on gets it with its marks.
    pub(super) fn forget(&mut self, head: u64, id_of_head: Option<MessageId>) {
        if let Some(id) = id_of_head {
            self.read.retain(|marked, _| *marked > id);
        }
        self.recalled.retain(|marked| *marked > head);
        self.deleted.retain(|marked| *marked > head);
    }
}

fn keep(set: &mut BTreeSet<u64>, conv_seq: u64) {
    set.insert(conv_seq);
    if set.len() > MOST {
        set.pop_first();
    }
}
