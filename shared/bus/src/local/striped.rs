//! A map behind many small locks, so that users do not wait for each other.

use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

/// More than there are cores to contend for them.
const STRIPES: usize = 64;

pub(super) struct Striped<K, V> {
    stripes: Box<[Mutex<HashMap<K, V>>]>,
    hasher: RandomState,
}

impl<K: Hash + Eq, V> Striped<K, V> {
    /// The part of the map that holds the key.
    pub(super) fn lock(&self, key: &K) -> MutexGuard<'_, HashMap<K, V>> {
        self.stripes[self.hasher.hash_one(key) as usize % STRIPES].lock()
    }

    /// Goes through all entries, one part after the other.
    pub(super) fn retain(&self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        for stripe in &self.stripes {
            stripe.lock().retain(&mut keep);
        }
    }
}

impl<K, V> Default for Striped<K, V> {
    fn default() -> Self {
        let stripes = (0..STRIPES).map(|_| Mutex::new(HashMap::new())).collect();
        Self { stripes, hasher: RandomState::new() }
    }
}
