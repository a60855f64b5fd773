//! Carries a schedule out: each fault waits until its part is whole and something is in flight, hits, and is mended
//! when its time is over.

use crate::record::Record;
use crate::schedule::{Fault, Harm, Part};
use crate::site::Site;
use crate::world::World;
use anyhow::Context;
use parts::redis::{Redis, ask};
use parts::sentinel::Watched;
use std::time::{Duration, Instant};
use tests::proxy::{Link, Proxy};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

/// How long a fault waits for something to be in flight. Then it hits, and the round has failed.
const LOAD_PATIENCE: Duration = Duration::from_secs(20);

type Guard<T> = OwnedMutexGuard<T>;

/// A part that is held to be broken.
enum Held {
    Process(Guard<crate::imserver::Imserver>),
    Redis(Guard<Redis>),
    /// Whether it is the one that serves.
    Watched(Guard<Watched>, bool),
    Database(Guard<parts::Mariadb>),
    Link(Guard<Proxy>),
}

/// Does all of it; all parts are mended when it returns.
///
/// # Errors
/// A part does not come back.
pub(crate) async fn carry_out(faults: &[Fault], site: &Site, world: &World) -> anyhow::Result<()> {
    let mut mending = JoinSet::new();
    for fault in faults {
        sleep(fault.after).await;
        let held = hold(fault.part, site).await;
        let in_flight = loaded(world).await;
        let at_ms = world.elapsed().as_millis() as u64;
        println!("  {:>6.1} s  {fault}, {in_flight} in flight", at_ms as f64 / 1_000.0);
        world.note(Record::Fault { at_ms, what: fault.to_string(), in_flight });
        let (hit, harm, lasts) = (held.hit(fault.harm).await?, fault.harm, fault.lasts);
        let what = fault.to_string();
        mending.spawn(async move { hit.mend(harm, lasts).await.context(what) });
    }
    while let Some(mended) = mending.join_next().await {
        mended??;
    }
    Ok(())
}

async fn hold(part: Part, site: &Site) -> Held {
    match part {
        Part::Process(number) => Held::Process(own(&site.processes[number]).await),
        Part::Plain(number) => Held::Redis(own(&site.plain[number]).await),
        Part::Master(number) => Held::Watched(own(&site.watched[number]).await, true),
        Part::Replica(number) => Held::Watched(own(&site.watched[number]).await, false),
        Part::Database => Held::Database(own(&site.database).await),
        Part::Clients(number) => Held::Link(own(&site.links[number].clients).await),
        Part::Wire(process, node) => Held::Link(own(&site.links[process].plain[node]).await),
        Part::Store(process) => Held::Link(own(&site.links[process].store).await),
    }
}

async fn own<T>(part: &std::sync::Arc<Mutex<T>>) -> Guard<T> {
    part.clone().lock_owned().await
}

async fn loaded(world: &World) -> usize {
    let begun = Instant::now();
    loop {
        let in_flight = world.in_flight();
        if in_flight > 0 || begun.elapsed() > LOAD_PATIENCE {
            return in_flight;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// A part that is broken.
enum Hit {
    Process(Guard<crate::imserver::Imserver>),
    Redis(Guard<Redis>),
    /// Which of the two, and with which options it starts again.
    Watched(Guard<Watched>, bool, Vec<String>),
    Database(Guard<parts::Mariadb>),
    Link(Guard<Proxy>),
}

impl Held {
    async fn hit(self, harm: Harm) -> anyhow::Result<Hit> {
        Ok(match self {
            Self::Process(mut process) => {
                match harm {
                    Harm::Stop => process.pause()?,
                    Harm::Restart => process.ends().await?,
                    _ => process.kill(),
                }
                Hit::Process(process)
            }
            Self::Redis(mut redis) => {
                break_redis(&mut redis, harm);
                Hit::Redis(redis)
            }
            Self::Watched(mut watched, serving) => {
                // Asked without hurry: both run while none of them is held.
                let (first_is_hit, again, mut watched) = spawn_blocking(move || {
                    let is_master =
                        |redis: &Redis| ask(redis.port, &["ROLE"]).is_some_and(|is| is.starts_with("master"));
                    let first_serves = !is_master(&watched.replica) || is_master(&watched.master);
                    let again = restarted(&watched, first_serves, serving);
                    let first_is_hit = first_serves == serving;
                    break_redis(one_of(&mut watched, first_is_hit), harm);
                    (first_is_hit, again, watched)
                })
                .await?;
                one_of(&mut watched, first_is_hit);
                Hit::Watched(watched, first_is_hit, again)
            }
            Self::Database(mut database) => {
                match harm {
                    Harm::Stop => database.pause(),
                    _ => database.kill(),
                }
                Hit::Database(database)
            }
            Self::Link(link) => {
                link.set(match harm {
                    Harm::Silence => Link::Silent,
                    Harm::Deafen => Link::Deaf,
                    _ => Link::Cut,
                });
                Hit::Link(link)
            }
        })
    }
}

impl Hit {
    async fn mend(self, harm: Harm, lasts: Duration) -> anyhow::Result<()> {
        sleep(lasts).await;
        match self {
            Self::Process(process) if harm == Harm::Stop => process.go_on()?,
            Self::Process(mut process) => process.run().await?,
            Self::Redis(redis) if harm == Harm::Stop => redis.go_on(),
            Self::Redis(mut redis) => spawn_blocking(move || redis.run()).await?,
            Self::Watched(mut watched, first, _) if harm == Harm::Stop => one_of(&mut watched, first).go_on(),
            Self::Watched(mut watched, first, again) => {
                let options = move || {
                    let again: Vec<&str> = again.iter().map(String::as_str).collect();
                    one_of(&mut watched, first).run_with(&again);
                };
                spawn_blocking(options).await?;
            }
            Self::Database(database) if harm == Harm::Stop => database.go_on(),
            Self::Database(mut database) => spawn_blocking(move || database.run()).await?,
            Self::Link(link) => {
                if harm == Harm::Silence {
                    // What was said is gone, and no connection goes on without it.
                    link.set(Link::Cut);
                }
                link.set(Link::Whole);
            }
        }
        Ok(())
    }
}

fn break_redis(redis: &mut Redis, harm: Harm) {
    match harm {
        Harm::Stop => redis.pause(),
        _ => redis.kill(),
    }
}

fn one_of(watched: &mut Watched, first: bool) -> &mut Redis {
    if first { &mut watched.master } else { &mut watched.replica }
}

/// A Redis starts as what it was last: Sentinels write that into its configuration.
fn restarted(watched: &Watched, first_serves: bool, serving: bool) -> Vec<String> {
    let master = if first_serves { watched.master.port } else { watched.replica.port };
    let options = ["--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1"].map(str::to_owned).to_vec();
    if serving { options[..2].to_vec() } else { [options, vec![master.to_string()]].concat() }
}
