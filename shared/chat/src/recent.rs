//! What was published of late, so that the same thing published again is shown once.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};
use types::Channel;

/// A back end that repeats itself does so within this.
const SPAN_MS: u64 = 300_000;

/// Remembers ids for five to ten minutes.
pub struct Recent {
    /// Ids of one span: 16 bytes each. When there are more, the oldest are forgotten early.
    most: usize,
    hasher: RandomState,
    since: u64,
    now: HashSet<u64>,
    before: HashSet<u64>,
}

impl Recent {
    /// One that remembers twice as many at most.
    pub fn of(most: usize) -> Self {
        let (hasher, now, before) = (RandomState::new(), HashSet::new(), HashSet::new());
        Self { most, hasher, since: 0, now, before }
    }

    /// Whether an id is new on its channel; from now on it is not. `now` is in milliseconds.
    pub fn is_new(&mut self, channel: &Channel, id: impl Hash, now: u64) -> bool {
        if now.saturating_sub(self.since) >= SPAN_MS || self.now.len() >= self.most {
            let is_long_ago = now.saturating_sub(self.since) >= 2 * SPAN_MS;
            self.before = std::mem::take(&mut self.now);
            if is_long_ago {
                self.before.clear();
            }
            self.since = now;
        }
        let hash = self.hasher.hash_one((channel, id));
        !self.before.contains(&hash) && self.now.insert(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1_000;

    fn channel(user: &str) -> Channel {
        Channel::User(user.parse().unwrap())
    }

    #[test]
    fn an_id_is_new_once_on_each_channel() {
        let mut recent = Recent::of(MOST);
        assert!(recent.is_new(&channel("8"), "order-77", 1_000));
        assert!(!recent.is_new(&channel("8"), "order-77", 2_000));
        assert!(recent.is_new(&channel("9"), "order-77", 2_000));
        assert!(recent.is_new(&channel("8"), "order-78", 2_000));
    }

    #[test]
    fn an_id_is_remembered_for_a_span_and_forgotten_after_two() {
        let mut recent = Recent::of(MOST);
        let begin = SPAN_MS;
        assert!(recent.is_new(&channel("8"), "a", begin));
        assert!(!recent.is_new(&channel("8"), "a", begin + SPAN_MS));
        assert!(recent.is_new(&channel("8"), "a", begin + 4 * SPAN_MS));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut recent = Recent::of(MOST);
        for id in 0..3 * MOST {
            assert!(recent.is_new(&channel("8"), id.to_string(), 1));
        }
        assert!(recent.now.len() + recent.before.len() <= 2 * MOST);
        assert!(!recent.is_new(&channel("8"), (3 * MOST - 1).to_string(), 1));
    }
}
