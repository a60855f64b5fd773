//! A master that is killed, or hangs: how long its users hear nothing live, and what the users of other nodes notice.

use crate::line::Line;
use clap::Args;
use shard::{Node, Rings};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::Cluster;
use tests::cluster::node;
use tests::redis::Redis;
use tests::sentinel::{Sentinels, Watched};
use tokio::time::interval;

#[derive(Args)]
pub(crate) struct Options {
    /// Users on the master that fails.
    #[arg(long, default_value_t = 2_000)]
    users: usize,
    /// Users on the other node.
    #[arg(long, default_value_t = 200)]
    bystanders: usize,
}

/// Each user is written to so often.
const ROUND: Duration = Duration::from_millis(500);
const STEPS: u32 = 50;
/// Connections that write to those on the failing node.
const WRITERS: usize = 100;
/// As a hung machine that comes back.
const PAUSE: Duration = Duration::from_secs(20);
/// What is not back by then never is.
const LIMIT: Duration = Duration::from_secs(30);

/// What one user heard: when the newest message that came had been sent.
#[derive(Default)]
struct Ear(parking_lot::Mutex<Heard>);

#[derive(Default)]
struct Heard {
    count: u64,
    /// Sent at, and came at, of the first message that was sent after the fault.
    first_after: Option<Duration>,
    fault_at: Option<Duration>,
    slowest: Duration,
}

impl Ear {
    fn hear(&self, sent: Duration, now: Duration) {
        let mut heard = self.0.lock();
        heard.count += 1;
        heard.slowest = heard.slowest.max(now.saturating_sub(sent));
        if heard.fault_at.is_some_and(|fault| sent >= fault) && heard.first_after.is_none() {
            heard.first_after = Some(now);
        }
    }
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    println!(
        "{} users on a master that Sentinels watch (down-after-milliseconds 500), {} on another node, two processes",
        options.users, options.bystanders
    );
    println!(
        "{:>14} {:>12} {:>12} {:>16} {:>20} {:>20}",
        "fault", "median back", "last back", "bystanders lost", "slowest before (ms)", "slowest during (ms)"
    );
    for pauses in [false, true] {
        measure(options, pauses).await?;
    }
    Ok(())
}

async fn measure(options: &Options, pauses: bool) -> anyhow::Result<()> {
    let sentinels = Sentinels::start();
    let mut watched = Watched::by(&sentinels, "im-0", [tests::process::free_port(), tests::process::free_port()]).await;
    let other = Redis::start();
    let cluster = Cluster::start(2, &[watched.node(), node(other.port)], &crate::UNLIMITED).await?;
    watched.knows_a_replica().await;
    let rings = Rings::new(vec![Node::direct("a", 1), Node::direct("b", 2)])?;
    let on = |number: usize, count: usize| {
        let all = (10_000..).map(|uid: u32| uid.to_string());
        let there = all.filter(|user| user.parse().is_ok_and(|user| rings.node_of(&user) == number));
        there.take(count).collect::<Vec<String>>()
    };
    let start = Instant::now();
    let mut people = Vec::new();
    for (number, user) in on(0, options.users).into_iter().chain(on(1, options.bystanders)).enumerate() {
        let ear = Arc::new(Ear::default());
        let hearing = ear.clone();
        let hear = move |packet: &[u8]| {
            if let Some(sent) = sent_at(packet) {
                hearing.hear(sent, start.elapsed());
            }
        };
        let line = Line::open(cluster.processes[number % 2].address(), &user, hear).await?;
        people.push((user, line, ear));
    }
    let (victims, bystanders) = people.split_at(options.users);
    // On the node that does not fail, too. Events of one connection are handled in order, so whoever writes to somebody
    // on the failing node waits for that node with whatever comes next: bystanders hear from each other.
    let mut writers = Vec::new();
    for (number, user) in on(1, options.bystanders + WRITERS).iter().skip(options.bystanders).enumerate() {
        writers.push(Line::open(cluster.processes[number % 2].address(), user, |_| {}).await?);
    }
    let mut clock = interval(ROUND / STEPS);
    let mut step = 0;
    let mut written = vec![0_u64; people.len()];
    let mut round = async |until: &dyn Fn() -> bool, limit: Duration| -> anyhow::Result<()> {
        let end = Instant::now() + limit;
        while Instant::now() < end && !until() {
            clock.tick().await;
            for (number, (user, _, _)) in people.iter().enumerate().skip(step).step_by(STEPS as usize) {
                let is_victim = number < options.users;
                let bystander = || &bystanders[(number + 1) % bystanders.len()].1;
                let line = if is_victim { &writers[number % WRITERS] } else { bystander() };
                let now = start.elapsed().as_micros();
                line.send(&format!(r#"42["exchange",{{"target":"user:{user}","payload":{{"at":{now}}}}}]"#)).await?;
                written[number] += 1;
            }
            step = (step + 1) % STEPS as usize;
        }
        Ok(())
    };
    round(&|| false, Duration::from_secs(5)).await?;
    let before = slowest(bystanders);
    let fault = start.elapsed();
    for (_, _, ear) in &people {
        ear.0.lock().fault_at = Some(fault);
    }
    if pauses {
        watched.master.pause();
    } else {
        watched.master.kill();
    }
    let all_back = || victims.iter().all(|(_, _, ear)| ear.0.lock().first_after.is_some());
    let failing = Instant::now();
    round(&all_back, LIMIT).await?;
    if pauses {
        round(&|| false, PAUSE.saturating_sub(failing.elapsed())).await?;
        watched.master.go_on();
    }
    // What comes back, a master that is none any more, is made a replica meanwhile.
    round(&|| false, Duration::from_secs(3)).await?;
    let during = slowest(bystanders);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut back: Vec<f64> = victims
        .iter()
        .map(|(_, _, ear)| ear.0.lock().first_after.map_or(f64::INFINITY, |at| (at - fault).as_secs_f64()))
        .collect();
    back.sort_by(f64::total_cmp);
    let lost: u64 = bystanders
        .iter()
        .zip(&written[options.users..])
        .map(|((_, _, ear), written)| written.saturating_sub(ear.0.lock().count))
        .sum();
    let closed = people.iter().filter(|(_, line, _)| line.is_over()).count();
    println!(
        "{:>14} {:>10.2} s {:>10.2} s {lost:>16} {:>20.1} {:>20.1}   ({closed} connections ended)",
        if pauses { "paused 20 s" } else { "killed" },
        back[back.len() / 2],
        back[back.len() - 1],
        before.as_secs_f64() * 1e3,
        during.as_secs_f64() * 1e3,
    );
    Ok(())
}

/// The slowest message of these people since this was last asked.
fn slowest(people: &[(String, Line, Arc<Ear>)]) -> Duration {
    people.iter().map(|(_, _, ear)| std::mem::take(&mut ear.0.lock().slowest)).max().unwrap_or_default()
}

/// When a message was sent, as its payload says in microseconds.
fn sent_at(packet: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(packet).ok()?;
    let (_, after) = text.split_once(r#"{"at":"#)?;
    let digits = after.split_once('}')?.0;
    Some(Duration::from_micros(digits.parse().ok()?))
}
