//! What a window has not acknowledged yet: sent again after a while, and again; then the window is closed, to come back and
//! sync. Windows that never sync are left alone.
//!
//! ```text
//! pushed ──5 s──► sent again ──5 s──► sent again ──5 s──► closed
//!    └── acknowledged up to here: forgotten
//! ```

use std::collections::HashMap;
use types::ConversationId;

/// How long a device may take to acknowledge.
const PATIENCE_MS: u64 = 5_000;

/// How often something is sent again.
const REPEATS: u8 = 2;

/// Conversations with something outstanding: a window that is behind in more is closed.
const MOST: usize = 500;

/// The receipts of one window.
#[derive(Debug, Default)]
pub struct Receipts {
    /// There once the window syncs, and so acknowledges: most windows that only wait have none.
    begun: Option<Box<Outstanding>>,
}

#[derive(Debug, Default)]
struct Outstanding {
    pending: HashMap<ConversationId, Pending>,
}

#[derive(Debug)]
struct Pending {
    /// The device has everything up to here.
    acknowledged: u64,
    pushed: u64,
    /// When the oldest that is outstanding was pushed, or sent again.
    since_ms: u64,
    repeats: u8,
}

/// What is to be done about receipts that are late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overdue {
    Nothing,
    /// These entries are sent again: above the one number, up to the other.
    Repeat(Vec<(ConversationId, u64, u64)>),
    /// The device hears nothing: it is closed.
    Close,
}

impl Receipts {
    /// The window syncs: from now on it is held to its receipts.
    pub fn begin(&mut self) {
        self.begun.get_or_insert_default();
    }

    /// An entry was pushed. Returns when receipts are to be looked at, if nothing was outstanding before.
    pub fn pushed(&mut self, conversation: ConversationId, conv_seq: u64, now_ms: u64) -> Option<u64> {
        let all = &mut self.begun.as_mut()?.pending;
        let is_first = all.is_empty();
        let before = conv_seq.saturating_sub(1);
        let fresh = Pending { acknowledged: before, pushed: before, since_ms: now_ms, repeats: 0 };
        let pending = all.entry(conversation).or_insert(fresh);
        pending.pushed = pending.pushed.max(conv_seq);
        is_first.then_some(now_ms + PATIENCE_MS)
    }

    /// The device has everything up to here.
    pub fn acknowledge(&mut self, conversation: ConversationId, up_to: u64) {
        let Some(begun) = &mut self.begun else { return };
        let Some(pending) = begun.pending.get_mut(&conversation) else { return };
        if up_to >= pending.pushed {
            begun.pending.remove(&conversation);
        } else if up_to > pending.acknowledged {
            // It goes on: what is left has its whole time again.
            pending.acknowledged = up_to;
            pending.repeats = 0;
        }
    }

    /// Looks at what is outstanding; and when to look again, if there is anything.
    pub fn overdue(&mut self, now_ms: u64) -> (Overdue, Option<u64>) {
        let Some(begun) = &mut self.begun else { return (Overdue::Nothing, None) };
        let all = &mut begun.pending;
        if all.len() > MOST {
            return (Overdue::Close, None);
        }
        let mut repeat = Vec::new();
        for (conversation, pending) in all.iter_mut() {
            if now_ms < pending.since_ms + PATIENCE_MS {
                continue;
            }
            if pending.repeats == REPEATS {
                return (Overdue::Close, None);
            }
            pending.repeats += 1;
            pending.since_ms = now_ms;
            repeat.push((*conversation, pending.acknowledged, pending.pushed));
        }
        let next = all.values().map(|pending| pending.since_ms + PATIENCE_MS).min();
        (if repeat.is_empty() { Overdue::Nothing } else { Overdue::Repeat(repeat) }, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ConversationId = ConversationId(1);
    const TWO: ConversationId = ConversationId(2);

    fn begun() -> Receipts {
        let mut receipts = Receipts::default();
        receipts.begin();
        receipts
    }

    #[test]
    fn who_never_syncs_is_left_alone() {
        let mut receipts = Receipts::default();
        assert_eq!(receipts.pushed(ONE, 1, 0), None);
        assert_eq!(receipts.overdue(100_000), (Overdue::Nothing, None));
    }

    #[test]
    fn what_is_not_acknowledged_is_repeated_twice_and_then_the_window_closes() {
        let mut receipts = begun();
        assert_eq!(receipts.pushed(ONE, 7, 1_000), Some(6_000));
        assert_eq!(receipts.pushed(ONE, 8, 2_000), None);
        assert_eq!(receipts.overdue(5_999), (Overdue::Nothing, Some(6_000)));
        let again = Overdue::Repeat(vec![(ONE, 6, 8)]);
        assert_eq!(receipts.overdue(6_000), (again.clone(), Some(11_000)));
        assert_eq!(receipts.overdue(11_000), (again, Some(16_000)));
        assert_eq!(receipts.overdue(16_000), (Overdue::Close, None));
    }

    #[test]
    fn a_receipt_is_for_everything_up_to_it_and_a_device_that_goes_on_has_time() {
        let mut receipts = begun();
        receipts.pushed(ONE, 1, 0);
        receipts.pushed(ONE, 2, 0);
        receipts.pushed(TWO, 5, 0);
        receipts.acknowledge(TWO, 9);
        receipts.overdue(5_000);
        receipts.overdue(10_000);
        receipts.acknowledge(ONE, 1);
        assert_eq!(receipts.overdue(15_000).0, Overdue::Repeat(vec![(ONE, 1, 2)]));
        receipts.acknowledge(ONE, 2);
        assert_eq!(receipts.overdue(90_000), (Overdue::Nothing, None));
    }

    #[test]
    fn a_window_that_is_behind_everywhere_closes() {
        let mut receipts = begun();
        for id in 0..=MOST as u64 {
            receipts.pushed(ConversationId(id), 1, 0);
        }
        assert_eq!(receipts.overdue(1), (Overdue::Close, None));
    }
}
