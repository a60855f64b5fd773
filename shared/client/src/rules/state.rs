//! What is true of a conversation for its user: unread, pinned, muted, draft.
//!
//! A push names only what changed, and pushes may overtake each other. So each value remembers the revision that it is from:
//! a late push does not undo a newer value, and loses none that it alone has.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The values of one conversation.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) unread: Value<u64>,
    pub(super) pinned: Value<bool>,
    pub(super) muted: Value<bool>,
    /// Empty: there is none.
    pub(super) draft: Value<Box<str>>,
}

/// A value as of a revision of the member's row.
#[derive(Debug, Default)]
pub(super) struct Value<T> {
    pub(super) value: T,
    rev: u64,
}

/// Some of the values, as of one revision.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Values {
    #[serde(default)]
    pub(super) rev: u64,
    #[serde(default)]
    pub(super) unread: Option<u64>,
    #[serde(default)]
    pub(super) pinned: Option<bool>,
    #[serde(default)]
    pub(super) muted: Option<bool>,
    /// Raw, because a page may have cut a character in two.
    #[serde(default)]
    pub(super) draft: Option<Box<RawValue>>,
}

impl<T: PartialEq> Value<T> {
    /// True if the value is another one now. A revision's own summary may repeat what its push said.
    fn set(&mut self, value: T, rev: u64, may_repeat: bool) -> bool {
        if rev < self.rev || (rev == self.rev && !may_repeat) {
            return false;
        }
        self.rev = rev;
        let changed = self.value != value;
        self.value = value;
        changed
    }
}

impl State {
    /// Takes what a push or an answer says; true if something is different now.
    pub(super) fn change(&mut self, values: Values) -> bool {
        let rev = values.rev;
        let mut changed = values.unread.is_some_and(|unread| self.unread.set(unread, rev, false));
        changed |= values.pinned.is_some_and(|pinned| self.pinned.set(pinned, rev, false));
        changed |= values.muted.is_some_and(|muted| self.muted.set(muted, rev, false));
        changed |= values.draft.is_some_and(|draft| self.draft.set(text(&draft), rev, false));
        changed
    }

    /// Takes all values of a revision, as a summary has them: what it leaves out is not there.
    pub(super) fn replace(&mut self, values: Values) -> bool {
        let rev = values.rev;
        let mut changed = self.unread.set(values.unread.unwrap_or_default(), rev, true);
        changed |= self.pinned.set(values.pinned.unwrap_or_default(), rev, true);
        changed |= self.muted.set(values.muted.unwrap_or_default(), rev, true);
        changed |= self.draft.set(values.draft.map(|draft| text(&draft)).unwrap_or_default(), rev, true);
        changed
    }
}

fn text(json: &RawValue) -> Box<str> {
    wire::socketio::parse_json(json.get()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(json: &str) -> Values {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_late_push_undoes_nothing_and_loses_nothing() {
        let mut state = State::default();
        assert!(state.change(values(r#"{"rev":6,"unread":2}"#)));
        assert!(state.change(values(r#"{"rev":5,"unread":1,"pinned":true}"#)));
        assert_eq!((state.unread.value, state.pinned.value), (2, true));
        assert!(!state.change(values(r#"{"rev":6,"unread":9}"#)));
    }

    #[test]
    fn a_summary_has_everything_of_its_revision() {
        let mut state = State::default();
        state.change(values(r#"{"rev":7,"draft":"half a"}"#));
        assert!(state.replace(values(r#"{"rev":7,"unread":0,"pinned":true,"muted":false}"#)));
        assert_eq!((&*state.draft.value, state.pinned.value), ("", true));
        assert!(!state.replace(values(r#"{"rev":6,"unread":5}"#)));
    }
}
