//! Pairs of users who write to each other, as fast as they are acknowledged or at a rate.

use super::site::Site;
use crate::line::Line;
use anyhow::Context;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::interval;

pub(super) struct Figures {
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// CPU time of the servers for one message.
    pub(super) cpu_us: f64,
    /// Acknowledged, and not pushed to the receiver by the end.
    pub(super) missing: u64,
}

pub(super) struct Load {
    people: Vec<Person>,
    shared: Arc<Shared>,
    /// Whoever was acknowledged may send again.
    acknowledged: mpsc::Receiver<usize>,
}

struct Person {
    user: String,
    other: String,
    line: Line,
    mailbox: Arc<Mailbox>,
}

struct Shared {
    start: Instant,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    pushed: AtomicU64,
    /// From when it was due until it was there, in microseconds.
    latencies: Mutex<Vec<u32>>,
}

/// How far a device has got, for its receipts.
#[derive(Default)]
struct Mailbox {
    conversation: Mutex<String>,
    head: AtomicU64,
    told: AtomicU64,
}

/// As the SDKs gather receipts.
const RECEIPTS: Duration = Duration::from_millis(200);
const TICK: Duration = Duration::from_millis(2);

impl Load {
    pub(super) async fn open(site: &Site, pairs: usize) -> anyhow::Result<Self> {
        let (tell, acknowledged) = mpsc::channel(100_000);
        let shared = Arc::new(Shared {
            start: Instant::now(),
            acknowledged: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            pushed: AtomicU64::new(0),
            latencies: Mutex::default(),
        });
        let mut people = Vec::new();
        for number in 0..2 * pairs {
            let [user, other] = [number, number ^ 1].map(|number| (10_000 + number).to_string());
            let mailbox = Arc::new(Mailbox::default());
            let (tell, shared, own) = (tell.clone(), shared.clone(), mailbox.clone());
            let hear = move |packet: &[u8]| {
                shared.hear(packet, &own, || {
                    tell.try_send(number).ok();
                });
            };
            // The two of a pair are on different processes.
            let line = Line::open(site.address(number), &user, hear).await?;
            line.send(r#"42["sync",{}]"#).await?;
            people.push(Person { user, other, line, mailbox });
        }
        // Everybody is known before anybody writes.
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(Self { people, shared, acknowledged })
    }

    /// So many messages of each user are under way at any time.
    pub(super) async fn saturate(&mut self, site: &Site, window: usize, seconds: u64) -> anyhow::Result<Figures> {
        let mut sent = 0;
        for number in 0..self.people.len() * window {
            self.send(number % self.people.len(), sent, self.shared.start.elapsed()).await?;
            sent += 1;
        }
        let mut receipts = interval(RECEIPTS);
        let begin = Instant::now() + Duration::from_secs(1);
        let end = begin + Duration::from_secs(seconds);
        let mut from = None;
        while Instant::now() < end {
            if from.is_none() && Instant::now() >= begin {
                from = Some(self.mark(site)?);
            }
            tokio::select! {
                Some(number) = self.acknowledged.recv() => {
                    self.send(number, sent, self.shared.start.elapsed()).await?;
                    sent += 1;
                }
                _ = receipts.tick() => self.receipts().await?,
            }
        }
        self.figures(site, &from.context("it was over before it began")?).await
    }

    /// So many messages a second of all users together; a late one counts from when it was due.
    pub(super) async fn pace(&mut self, site: &Site, rate: usize, seconds: u64) -> anyhow::Result<Figures> {
        let mut clock = interval(TICK);
        let mut receipts = interval(RECEIPTS);
        let start = self.shared.start.elapsed();
        let (mut sent, mut from) = (0_u64, None);
        let warm = rate as u64;
        let all = warm + rate as u64 * seconds;
        while sent < all {
            tokio::select! {
                _ = clock.tick() => {}
                _ = receipts.tick() => self.receipts().await?,
            }
            if from.is_none() && sent >= warm {
                from = Some(self.mark(site)?);
            }
            let due = |number: u64| start + Duration::from_secs_f64(number as f64 / rate as f64);
            while sent < all && due(sent) <= self.shared.start.elapsed() {
                self.send(sent as usize % self.people.len(), sent, due(sent)).await?;
                sent += 1;
            }
        }
        self.figures(site, &from.context("it was over before it began")?).await
    }

    async fn send(&self, number: usize, id: u64, due: Duration) -> anyhow::Result<()> {
        let Person { user, other, line, .. } = &self.people[number];
        let due = due.as_micros();
        let packet = format!(
            r#"421["sendMessage",{{"temp_message_id":"{user}-{id}","chat_type":"p2p","to_user_id":"{other}","type":"text","message":"@{due}@ 您好，请问这款还有货吗？今天能发出吗？"}}]"#
        );
        line.send(&packet).await
    }

    /// What each device has got so far and not said yet.
    async fn receipts(&self) -> anyhow::Result<()> {
        for Person { line, mailbox, .. } in &self.people {
            let head = mailbox.head.load(Ordering::Relaxed);
            if mailbox.told.swap(head, Ordering::Relaxed) != head {
                let conversation = mailbox.conversation.lock().clone();
                let packet = format!(r#"42["ackMessage",{{"conversation_id":"{conversation}","conv_seq":{head}}}]"#);
                line.send(&packet).await?;
            }
        }
        Ok(())
    }

    /// From here on it counts: the time, the acknowledgements, the CPU time.
    fn mark(&self, site: &Site) -> anyhow::Result<(Instant, u64, Duration)> {
        self.shared.latencies.lock().clear();
        Ok((Instant::now(), self.shared.acknowledged.load(Ordering::Relaxed), site.cpu()?))
    }

    async fn figures(&self, site: &Site, (from, before, cpu): &(Instant, u64, Duration)) -> anyhow::Result<Figures> {
        let seconds = from.elapsed().as_secs_f64();
        let messages = self.shared.acknowledged.load(Ordering::Relaxed) - before;
        let cpu = site.cpu()?.saturating_sub(*cpu);
        let mut latencies = self.shared.latencies.lock().clone();
        latencies.sort_unstable();
        let at = |part: f64| {
            let place = (latencies.len() as f64 * part) as usize;
            latencies.get(place.min(latencies.len().saturating_sub(1))).map_or(f64::NAN, |us| f64::from(*us) / 1e3)
        };
        let missing = || {
            let acknowledged = self.shared.acknowledged.load(Ordering::Relaxed);
            acknowledged.saturating_sub(self.shared.pushed.load(Ordering::Relaxed))
        };
        // What is under way arrives.
        for _ in 0..50 {
            self.receipts().await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
            if missing() == 0 {
                break;
            }
        }
        let refused = self.shared.refused.load(Ordering::Relaxed);
        anyhow::ensure!(refused == 0, "{refused} messages were refused");
        Ok(Figures {
            per_second: messages as f64 / seconds,
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            cpu_us: cpu.as_micros() as f64 / messages.max(1) as f64,
            missing: missing(),
        })
    }
}

impl Shared {
    fn hear(&self, packet: &[u8], mailbox: &Mailbox, acknowledged: impl FnOnce()) {
        if packet.starts_with(b"431[{\"ok\":true") {
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
            acknowledged();
        } else if packet.starts_with(b"431") {
            self.refused.fetch_add(1, Ordering::Relaxed);
        } else if packet.starts_with(b"42[\"messagePush\"") {
            self.pushed.fetch_add(1, Ordering::Relaxed);
            let text = String::from_utf8_lossy(packet);
            let now = self.start.elapsed().as_micros();
            if let Some(due) = between(&text, "\"@", "@ ").and_then(|due| due.parse::<u128>().ok()) {
                self.latencies.lock().push(now.saturating_sub(due).try_into().unwrap_or(u32::MAX));
            }
            if let Some(seq) = after(&text, "\"conv_seq\":").and_then(number) {
                mailbox.head.fetch_max(seq, Ordering::Relaxed);
            }
            let mut conversation = mailbox.conversation.lock();
            if conversation.is_empty() {
                *conversation = between(&text, "\"conversation_id\":\"", "\"").unwrap_or_default().to_owned();
            }
        }
    }
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

fn between<'a>(text: &'a str, mark: &str, end: &str) -> Option<&'a str> {
    after(text, mark)?.split_once(end).map(|(value, _)| value)
}

fn number(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).map_or(text, |end| &text[..end]);
    digits.parse().ok()
}
