//! The sessions of this process, by id.

use super::{Service, Session};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

const STRIPES: usize = 64;

type Stripe<S> = Mutex<HashMap<Box<str>, Arc<Session<S>>>>;

pub(super) struct Sessions<S: Service> {
    stripes: Box<[Stripe<S>]>,
    hasher: RandomState,
}

impl<S: Service> Default for Sessions<S> {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl<S: Service> Sessions<S> {
    pub(super) fn insert(&self, session: &Arc<Session<S>>) {
        self.stripe(session.id()).lock().insert(session.id().into(), session.clone());
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Session<S>>> {
        self.stripe(id).lock().get(id).cloned()
    }

    pub(super) fn remove(&self, id: &str) {
        // Dropped after the lock is released: it may be the last handle of the session.
        let removed = self.stripe(id).lock().remove(id);
        drop(removed);
    }

    pub(super) fn all(&self) -> Vec<Arc<Session<S>>> {
        self.stripes.iter().flat_map(|stripe| stripe.lock().values().cloned().collect::<Vec<_>>()).collect()
    }

    fn stripe(&self, id: &str) -> &Stripe<S> {
        &self.stripes[self.hasher.hash_one(id) as usize % STRIPES]
    }
}
