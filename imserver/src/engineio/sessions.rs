//! The sessions of this process, by id.

use super::{Service, Session};
use parking_lot::Mutex;
use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;

const STRIPES: usize = 64;

type Stripe<S> = Mutex<HashSet<ById<S>>>;

/// A session that is found by its id, which is kept once.
struct ById<S: Service>(Arc<Session<S>>);

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
        self.stripe(session.id()).lock().insert(ById(session.clone()));
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Session<S>>> {
        self.stripe(id).lock().get(id).map(|found| found.0.clone())
    }

    pub(super) fn remove(&self, id: &str) {
        // Dropped after the lock is released: it may be the last handle of the session.
        let removed = self.stripe(id).lock().take(id);
        drop(removed);
    }

    pub(super) fn all(&self) -> Vec<Arc<Session<S>>> {
        self.stripes
            .iter()
            .flat_map(|stripe| stripe.lock().iter().map(|found| found.0.clone()).collect::<Vec<_>>())
            .collect()
    }

    fn stripe(&self, id: &str) -> &Stripe<S> {
        &self.stripes[self.hasher.hash_one(id) as usize % STRIPES]
    }
}

impl<S: Service> Borrow<str> for ById<S> {
    fn borrow(&self) -> &str {
        self.0.id()
    }
}

impl<S: Service> Hash for ById<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id().hash(state);
    }
}

impl<S: Service> PartialEq for ById<S> {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl<S: Service> Eq for ById<S> {}
