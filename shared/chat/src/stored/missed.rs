//! What a process missed on the bus, from the store: its users' entries and state, told again.

use crate::{Chat, Error, PostedPush, Push, Window};
use std::collections::HashSet;
use store::{Range, Reference};
use types::{ConversationId, Entry, Event, UserKey};

/// What users of this process may have missed.
#[derive(Debug)]
pub enum Missed {
    /// For each the event, as it is now; what a window has already it knows.
    Events(Vec<(UserKey, Event)>),
    /// It is longer ago than the store remembers: their clients must sync.
    TooLong,
}

impl Chat {
    /// What was committed since then for these users, whoever published it or did not. Without a store nothing.
    ///
    /// # Errors
    /// The store cannot be read: ask again.
    pub async fn missed(&self, users: &HashSet<UserKey>, since_ms: u64) -> Result<Missed, Error> {
        let Some(kept) = self.kept.as_ref().filter(|_| !users.is_empty()) else {
            return Ok(Missed::Events(Vec::new()));
        };
        let Some(mut after) = kept.store.outbox_at(since_ms) else { return Ok(Missed::TooLong) };
        let mut wanted: Vec<Reference> = Vec::new();
        while let Some((last, references)) = kept.store.outbox_after(after).await? {
            wanted.extend(references.into_iter().filter(|reference| users.contains(reference.user())));
            after = last;
        }
        Ok(Missed::Events(kept.store.events(&wanted, since_ms).await?))
    }

    /// Sends entries again that a window has not acknowledged: above the one number, up to the other. What cannot be read
    /// now is sent the next time.
    pub async fn repeat(&self, window: &dyn Window, entries: &[(ConversationId, u64, u64)]) {
        let Some(kept) = &self.kept else { return };
        let range = |(conversation, above, up_to): &'_ (ConversationId, u64, u64)| Range {
            conversation: *conversation,
            above: *above,
            up_to: *up_to,
        };
        let ranges: Vec<Range> = entries.iter().map(range).collect();
        match kept.store.entries(&window.identity().user, &ranges).await {
            Ok(entries) => {
                for entry in entries {
                    if let Entry::Message(entry) = entry {
                        window.emit(&Push::Posted(PostedPush { entry, v: None, unread: None }));
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "entries were not sent again"),
        }
    }

    /// The time of the store; without one the process's own.
    pub fn now_ms(&self) -> u64 {
        self.kept.as_ref().map_or_else(|| (self.clock)(), |kept| kept.store.now_ms())
    }

    /// Whether messages are kept.
    pub fn keeps(&self) -> bool {
        self.kept.is_some()
    }
}
