//! Tells windows again what they may have missed of what is kept, after a gap of the bus, and while a Redis node is down.
//!
//! ```text
//! gap ────────────► users, since when ─┐
//! node down ─► every second, its users ┴─► the store's outbox ─► windows, but for what they have had
//! ```

use crate::protocol;
use crate::site::Site;
use bus::NodeName;
use bus::redis::Notice;
use chat::{Missed, Push};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use types::{Channel, UserKey};

/// What was committed so long before a gap may have been published in it.
const BEFORE_MS: u64 = 60_000;

/// How often a process looks for what came for users whose Redis node is down.
const LOOK: Duration = Duration::from_secs(1);

/// How far back it looks then: a commit becomes visible some time after its time.
const BACK_MS: u64 = 15_000;

/// What is to be told again.
#[derive(Default)]
pub(crate) struct Repair {
    wanted: Mutex<Wanted>,
    bell: Notify,
}

#[derive(Default)]
struct Wanted {
    /// Since when each may have missed something, in milliseconds since 1970.
    users: HashMap<UserKey, u64>,
    /// Nodes that are down, and since when.
    down: HashMap<NodeName, u64>,
}

impl Repair {
    /// Takes in what the bus says. Never blocks.
    pub(crate) fn notice(&self, notice: &Notice, now_ms: u64) {
        let mut wanted = self.wanted.lock();
        match notice {
            Notice::Down { node, .. } => drop(wanted.down.entry(node.clone()).or_insert(now_ms)),
            Notice::Up { node, .. } => drop(wanted.down.remove(node)),
            Notice::Gap { node, channels, .. } => {
                let since = wanted.down.get(node).copied().unwrap_or(now_ms).saturating_sub(BEFORE_MS);
                for channel in channels {
                    if let Channel::User(user) = channel {
                        let known = wanted.users.entry(user.clone()).or_insert(since);
                        *known = since.min(*known);
                    }
                }
            }
            _ => return,
        }
        drop(wanted);
        self.bell.notify_one();
    }

    fn look_again(&self, users: HashSet<UserKey>, since_ms: u64) {
        let mut wanted = self.wanted.lock();
        for user in users {
            let known = wanted.users.entry(user).or_insert(since_ms);
            *known = since_ms.min(*known);
        }
    }

    fn is_any_down(&self) -> bool {
        !self.wanted.lock().down.is_empty()
    }
}

/// Carries on until `stop`.
pub(crate) async fn run(site: Arc<Site>, stop: CancellationToken) {
    if !site.chat().keeps() {
        return;
    }
    let repair = site.repair().clone();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = repair.bell.notified() => {}
            () = tokio::time::sleep(LOOK), if repair.is_any_down() => {}
        }
        let users = std::mem::take(&mut repair.wanted.lock().users);
        // Those of one gap are looked for together.
        let mut by_time: HashMap<u64, HashSet<UserKey>> = HashMap::new();
        for (user, since) in users {
            by_time.entry(since).or_default().insert(user);
        }
        for (since, users) in by_time {
            tell(&site, users, since).await;
        }
        let down = users_of(&site, &repair);
        if !down.is_empty() {
            let since = site.chat().now_ms().saturating_sub(BACK_MS);
            tell(&site, down, since).await;
        }
    }
}

/// The users here whose node is down.
fn users_of(site: &Arc<Site>, repair: &Repair) -> HashSet<UserKey> {
    let down: HashSet<NodeName> = repair.wanted.lock().down.keys().cloned().collect();
    if down.is_empty() {
        return HashSet::new();
    }
    let here = site.followed(|channel| {
        matches!(channel, Channel::User(_)) && site.bus().node_of(channel).is_some_and(|node| down.contains(node))
    });
    here.into_iter().filter_map(|channel| if let Channel::User(user) = channel { Some(user) } else { None }).collect()
}

async fn tell(site: &Arc<Site>, users: HashSet<UserKey>, since_ms: u64) {
    match site.chat().missed(&users, since_ms).await {
        Ok(Missed::Events(events)) => {
            for (user, event) in events {
                site.deliver_event(&Channel::User(user), event, None);
            }
        }
        Ok(Missed::TooLong) => {
            for user in users {
                protocol::tell_all(site, &Channel::User(user), &Push::Sync {});
            }
        }
        Err(error) => {
            tracing::debug!(%error, "what was missed is looked for again");
            site.repair().look_again(users, since_ms);
            tokio::time::sleep(LOOK).await;
            site.repair().bell.notify_one();
        }
    }
}
