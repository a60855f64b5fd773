//! The users of a round, and how each of their devices reaches the site.

use crate::chance::Chance;
use crate::device::Device;
use crate::record::{FRESH, Record};
use crate::site::Site;
use crate::world::World;
use client::rules::Bounds;
use client::{Auth, Options, Timing, Transports};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use types::{Platform, UserKey};

/// Buyers, and as many merchants.
const PAIRS: usize = 3;
const DEVICES: [&str; 3] = ["pc", "wap", "phone"];

/// Users that no other round has.
pub(crate) fn users(seed: u64, chance: &mut Chance) -> Vec<UserKey> {
    let stem = 1 + chance.within(0..=9_999_999);
    let keys = (0..PAIRS).flat_map(|number| [format!("{seed}{stem}{number}"), format!("m{seed}{stem}{number}")]);
    keys.map(|key| key.parse().expect("a user key")).collect()
}

/// Starts all devices, and waits until each is there.
///
/// # Errors
/// One does not come in.
pub(crate) async fn gather(
    seed: u64,
    users: &[UserKey],
    site: &Site,
    files: &Path,
    chance: &mut Chance,
    world: &Arc<World>,
) -> anyhow::Result<Vec<Device>> {
    let mut devices = Vec::new();
    for (number, user) in users.iter().enumerate() {
        for (place, name) in DEVICES.into_iter().enumerate() {
            let mut options = options(name, user, site, number + place).await;
            let restless = name == "phone";
            if restless {
                options.queue_file = Some(files.join(format!("{user}.queue")));
                options.bounds = Bounds { entries: 50, ..Bounds::default() };
            }
            let peers = users.iter().filter(|peer| *peer != user).cloned().collect();
            let mut device = Device::start(name, user.clone(), options, peers, chance.branch(), world.clone()).await?;
            device.restless = restless;
            devices.push(device);
        }
    }
    for device in &devices {
        device.synced().await?;
    }
    let names: Vec<String> = DEVICES.into_iter().chain([FRESH]).map(str::to_owned).collect();
    let users = users.iter().map(|user| (user.to_string(), names.clone())).collect();
    world.note(Record::Began { seed, users });
    Ok(devices)
}

/// A device more for each user, which has seen nothing yet.
///
/// # Errors
/// One does not come in.
pub(crate) async fn newcomers(users: &[UserKey], site: &Site, world: &Arc<World>) -> anyhow::Result<Vec<Device>> {
    let mut devices = Vec::new();
    for (number, user) in users.iter().enumerate() {
        let options = options(FRESH, user, site, number).await;
        devices.push(Device::start(FRESH, user.clone(), options, Vec::new(), Chance::new(0), world.clone()).await?);
    }
    for device in &devices {
        device.synced().await?;
    }
    Ok(devices)
}

/// All of them live until they are told to stop.
///
/// # Errors
/// A client ended, or did not take a message.
pub(crate) async fn live(devices: Vec<Device>) -> anyhow::Result<Vec<Device>> {
    let mut living = JoinSet::new();
    for device in devices {
        living.spawn(device.live());
    }
    let mut devices = Vec::new();
    while let Some(device) = living.join_next().await {
        devices.push(device??);
    }
    Ok(devices)
}

/// By turns: WebSocket or polling, straight to the processes or by nginx.
async fn options(device: &str, user: &UserKey, site: &Site, turn: usize) -> Options {
    let addresses = if turn.is_multiple_of(2) { site.addresses().await } else { vec![site.nginx()] };
    let transports = [Transports::WebSocketOnly, Transports::PollingOnly, Transports::Both];
    let transports = transports[(turn / 2) % transports.len()];
    let timing = Timing { connect_ms: 5_000, first_wait_ms: 100, longest_wait_ms: 2_000, ..Timing::default() };
    let device = Some(device.to_owned());
    let auth = Auth::Development { user: user.clone(), device, platform: Platform::default() };
    Options {
        transports,
        timing,
        bounds: Bounds { entries: 1_000_000, ..Bounds::default() },
        ..Options::new(addresses, auth)
    }
}

/// Waits until nothing is in flight any more; false if that takes longer.
pub(crate) async fn all_landed(world: &World, longest: Duration) -> bool {
    let begun = std::time::Instant::now();
    while world.in_flight() > 0 && begun.elapsed() < longest {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.in_flight() == 0
}
