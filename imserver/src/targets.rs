//! Whom the users that are connected here talk to, as their windows were last told: what a gap of the bus is measured
//! against.

use parking_lot::Mutex;
use serde_json::value::RawValue;
use std::collections::HashMap;
use types::UserKey;

/// One entry a user who is connected here and has a current target.
#[derive(Default)]
pub(crate) struct Targets(Mutex<HashMap<UserKey, Box<RawValue>>>);

impl Targets {
    /// All windows were told.
    pub(crate) fn told(&self, user: &UserKey, target: Box<RawValue>) {
        self.0.lock().insert(user.clone(), target);
    }

    /// A window began there, and the others were told before or will be.
    pub(crate) fn begun(&self, user: &UserKey, target: &RawValue) {
        self.0.lock().entry(user.clone()).or_insert_with(|| target.to_owned());
    }

    pub(crate) fn of(&self, user: &UserKey) -> Option<Box<RawValue>> {
        self.0.lock().get(user).cloned()
    }

    /// Nobody of the user is here any more.
    pub(crate) fn forget(&self, user: &UserKey) {
        self.0.lock().remove(user);
    }
}
