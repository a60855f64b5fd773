//! One round: people talk while parts break; then all is mended, they settle, and the checker judges.

use crate::chance::Chance;
use crate::check::{Finding, check};
use crate::device::Device;
use crate::record::Record;
use crate::schedule::schedule;
use crate::site::Site;
use crate::world::World;
use crate::{archive, harm, people};
use anyhow::Context;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use types::UserKey;

/// How long, after all is mended, messages may be on their way and devices may differ: longer than the leases of a
/// process that died, and what comes after them.
const SETTLING: Duration = Duration::from_secs(90);

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) messages: usize,
    pub(crate) faults: usize,
    pub(crate) findings: Vec<Finding>,
}

/// Runs one round on a site that is whole, and leaves it whole. Its history is in the folder, under the seed's name.
///
/// # Errors
/// The site does not recover, or a client does not work at all.
pub(crate) async fn run(seed: u64, long: Duration, site: &Site, folder: &Path) -> anyhow::Result<Outcome> {
    let path = folder.join(format!("{seed}.jsonl"));
    println!("seed {seed}: {} s of faults, history in {}", long.as_secs(), path.display());
    let world = Arc::new(World::begin(&path)?);
    let mut chance = Chance::new(seed);
    let users = people::users(seed, &mut chance);
    let files = parts::process::scratch();
    let devices = people::gather(seed, &users, site, &files, &mut chance, &world).await?;

    let faults = schedule(seed, long);
    let talking = tokio::spawn(people::live(devices));
    let carried_out = harm::carry_out(&faults, site, &world).await;
    world.stop.cancel();
    let mut devices = talking.await??;
    carried_out?;
    site.heals().await?;

    let begun = Instant::now();
    people::all_landed(&world, SETTLING).await;
    println!("  {:>6.1} s  whole again, {} in flight", world.elapsed().as_secs_f64(), world.in_flight());
    devices.extend(people::newcomers(&users, site, &world).await?);
    let (mut last, mut findings);
    loop {
        last = picture(&devices, &users, site).await;
        findings = match &last {
            Ok(records) => check(&world.history_with(records)),
            Err(_) => Vec::new(),
        };
        if (last.is_ok() && findings.is_empty()) || begun.elapsed() > SETTLING {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("  {:>6.1} s  settled", world.elapsed().as_secs_f64());
    for record in last.context("the last look at the devices")? {
        world.note(record);
    }
    world.flush()?;
    for device in devices {
        device.close().await;
    }
    std::fs::remove_dir_all(files).ok();
    let history = world.history_with(&[]);
    let messages = history.iter().filter(|record| matches!(record, Record::Said { .. })).count();
    Ok(Outcome { messages, faults: faults.len(), findings })
}

/// What all devices show, and the store has.
async fn picture(devices: &[Device], users: &[UserKey], site: &Site) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    for device in devices {
        device.goes_back().await.with_context(|| format!("{} of {}", device.name, device.user))?;
        records.extend(device.shows().await?);
    }
    let server = site.processes[0].lock().await.address();
    for user in users {
        records.extend(archive::of(server, user).await?);
    }
    Ok(records)
}
