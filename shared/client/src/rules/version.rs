//! Versions: the numbers that count everything sent to this user, by which a client sees that something is missing
//! without knowing what.

use std::collections::BTreeSet;

/// Versions that wait beside a hole. Beyond, the hole is all there is to know.
const MOST_BESIDE: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Version {
    /// The last one up to which all have come; nothing before the first sync.
    last: Option<u64>,
    beside: BTreeSet<u64>,
    /// Since when the one after the last is missing, while later ones are here.
    hole_since: Option<u64>,
}

impl Version {
    pub(super) fn last(&self) -> Option<u64> {
        self.last
    }

    /// Takes the version of a push or of an acknowledgement. True if it opens a hole.
    pub(super) fn take(&mut self, v: u64, now: u64) -> bool {
        if self.last.is_some_and(|last| v <= last) {
            return false;
        }
        self.beside.insert(v);
        if self.beside.len() > MOST_BESIDE {
            self.beside.pop_last();
        }
        self.look(now)
    }

    /// A sync has been asked for: it will tell of everything that came until now, also if the server counts anew since.
    pub(super) fn begin(&mut self) {
        self.beside.clear();
        self.hole_since = None;
    }

    /// The sync told of everything up to this version. True if it leaves a hole behind it.
    pub(super) fn end(&mut self, v: u64, now: u64) -> bool {
        self.last = Some(v);
        self.beside = self.beside.split_off(&v.saturating_add(1));
        self.look(now)
    }

    pub(super) fn hole_since(&self) -> Option<u64> {
        self.hole_since
    }

    /// Moves the last one over those right beside it. True if there is a hole behind it that was not there before.
    fn look(&mut self, now: u64) -> bool {
        let Some(last) = &mut self.last else { return false };
        while self.beside.remove(&(*last + 1)) {
            *last += 1;
            self.hole_since = None;
        }
        if self.beside.is_empty() {
            self.hole_since = None;
            return false;
        }
        self.hole_since.replace(self.hole_since.unwrap_or(now)).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_versions_wait_beside_a_hole_until_it_fills() {
        let mut version = Version::default();
        assert!(!version.end(5, 0));
        assert!(!version.take(6, 1) && version.take(8, 2) && !version.take(9, 3));
        assert_eq!((version.last(), version.hole_since()), (Some(6), Some(2)));
        assert!(!version.take(7, 4));
        assert_eq!((version.last(), version.hole_since()), (Some(9), None));
        assert!(!version.take(3, 5));
    }

    #[test]
    fn what_comes_during_a_sync_is_counted_behind_it() {
        let mut version = Version::default();
        version.begin();
        assert!(!version.take(4, 0) && !version.take(6, 0) && !version.take(7, 0));
        assert!(!version.end(5, 1));
        assert_eq!(version.last(), Some(7));
    }

    #[test]
    fn a_server_that_counts_anew_is_followed() {
        let mut version = Version::default();
        version.end(100, 0);
        assert!(version.take(105, 1));
        version.begin();
        assert!(!version.end(3, 2));
        assert_eq!((version.last(), version.hole_since()), (Some(3), None));
    }
}
