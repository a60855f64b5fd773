//! Pairs of users on different processes who write to each other live, and ask for an acknowledgement each time.
//!
//! At saturation a user writes when it was written to, so that nothing can pile up behind acknowledgements, and a message
//! that is lost is a turn that is lost.

use super::scenario::Figure;
use super::site::Site;
use crate::line::Line;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::{interval, timeout_at};

/// What all lines hear.
pub(super) struct Ears {
    start: Instant,
    delivered: AtomicU64,
    /// From when it was sent, or due, until it was there, in microseconds.
    latencies: Mutex<Vec<u32>>,
}

struct Load<'a> {
    site: &'a Site,
    lines: Vec<Line>,
    ears: Arc<Ears>,
    turns: mpsc::Receiver<usize>,
    sent: u64,
}

/// What has been used up to some moment.
struct Mark {
    at: Instant,
    delivered: u64,
    cpu: Duration,
    redis_out: u64,
}

const WARM: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(1);
/// As long as a sentence.
const WORDS: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

pub(super) async fn measure(
    site: &Site,
    users: usize,
    rate: Option<usize>,
    seconds: Duration,
) -> anyhow::Result<Vec<Figure>> {
    let mut load = Load::open(site, users).await?;
    let from = match rate {
        None => load.saturate(seconds).await?,
        Some(rate) => load.pace(rate, seconds).await?,
    };
    let to = load.mark()?;
    settle(&load.ears).await;
    let (messages, astray) = ((to.delivered - from.delivered).max(1) as f64, load.sent.abs_diff(load.ears.heard()));
    let mut figures = Vec::new();
    if rate.is_none() {
        figures.push(Figure::most("delivered/s", messages / (to.at - from.at).as_secs_f64()));
    }
    figures.push(Figure::least("CPU us/message", (to.cpu - from.cpu).as_micros() as f64 / messages));
    if rate.is_some() {
        figures.push(Figure::least("p99 ms", load.ears.p99_ms()));
    }
    if to.redis_out > 0 {
        figures.push(Figure::least("Redis bytes out/message", (to.redis_out - from.redis_out) as f64 / messages));
    }
    figures.push(Figure::zero("lost or twice", astray as f64));
    let ended = load.lines.iter().filter(|line| line.is_over()).count();
    figures.push(Figure::zero("connections ended", ended as f64));
    Ok(figures)
}

impl<'a> Load<'a> {
    async fn open(site: &'a Site, users: usize) -> anyhow::Result<Self> {
        let users = users.next_multiple_of(2);
        let (tell, turns) = mpsc::channel(2 * users);
        let ears = Arc::new(Ears::new());
        let mut lines = Vec::new();
        for number in 0..users {
            let (tell, ears) = (tell.clone(), ears.clone());
            let hear = move |packet: &[u8]| {
                if packet.starts_with(b"42[\"exchange\"") {
                    ears.hear(packet);
                    tell.try_send(number).ok();
                }
            };
            lines.push(Line::open_to(site.address(number), &name(number), site.kind().greeting(), hear).await?);
        }
        Ok(Self { site, lines, ears, turns, sent: 0 })
    }

    async fn saturate(&mut self, seconds: Duration) -> anyhow::Result<Mark> {
        let begin = tokio::time::Instant::now() + WARM;
        let end = begin + seconds;
        for number in 0..self.lines.len() {
            self.send(number, self.ears.start.elapsed(), end).await;
        }
        let (mut batch, mut from) = (Vec::new(), None);
        while tokio::time::Instant::now() < end {
            if from.is_none() && tokio::time::Instant::now() >= begin {
                from = Some(self.mark()?);
            }
            let next = if from.is_none() { begin } else { end };
            if timeout_at(next, self.turns.recv_many(&mut batch, 64)).await.is_ok() {
                for number in batch.drain(..) {
                    self.send(number, self.ears.start.elapsed(), end).await;
                }
            }
        }
        from.map_or_else(|| self.mark(), Ok)
    }

    /// A message that is later than a tick counts from when it was due.
    async fn pace(&mut self, rate: usize, seconds: Duration) -> anyhow::Result<Mark> {
        let mut clock = interval(TICK);
        let (start, end) = (self.ears.start.elapsed(), tokio::time::Instant::now() + WARM + seconds);
        let due = |number: u64| start + Duration::from_secs_f64(number as f64 / rate as f64);
        let mut from = None;
        while tokio::time::Instant::now() < end {
            clock.tick().await;
            while self.turns.try_recv().is_ok() {}
            if from.is_none() && self.ears.start.elapsed() >= start + WARM {
                from = Some(self.mark()?);
                self.ears.latencies.lock().clear();
            }
            let now = self.ears.start.elapsed();
            while due(self.sent) <= now && tokio::time::Instant::now() < end {
                let (due, now) = (due(self.sent), self.ears.start.elapsed());
                let at = if now - due > 2 * TICK { due } else { now };
                // Neighbours in time are not neighbours in number, so that both of a pair are not busy at once.
                let number = (self.sent as usize * 7) % self.lines.len();
                self.send(number, at, end).await;
            }
        }
        from.map_or_else(|| self.mark(), Ok)
    }

    /// A server that takes nothing until the end, or is gone, gets nothing.
    async fn send(&mut self, number: usize, at: Duration, end: tokio::time::Instant) {
        let packet = format!(
            r#"421["exchange",{{"target":"user:{}","payload":{{"at":{},"text":"{WORDS}"}}}}]"#,
            name(number ^ 1),
            at.as_micros()
        );
        if matches!(timeout_at(end, self.lines[number].send(&packet)).await, Ok(Ok(()))) {
            self.sent += 1;
        }
    }

    fn mark(&self) -> anyhow::Result<Mark> {
        Ok(Mark {
            at: Instant::now(),
            delivered: self.ears.heard(),
            cpu: self.site.cpu()?,
            redis_out: self.site.redis_out()?,
        })
    }
}

impl Ears {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), delivered: AtomicU64::new(0), latencies: Mutex::default() }
    }

    /// Now, as it is written into messages.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(super) fn hear(&self, packet: &[u8]) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
        if let Some(at) = sent_at(packet) {
            let late = self.start.elapsed().as_micros().saturating_sub(at.into());
            self.latencies.lock().push(late.try_into().unwrap_or(u32::MAX));
        }
    }

    pub(super) fn heard(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    pub(super) fn p99_ms(&self) -> f64 {
        let mut latencies = self.latencies.lock().clone();
        latencies.sort_unstable();
        latencies.get(latencies.len() * 99 / 100).map_or(f64::NAN, |us| f64::from(*us) / 1e3)
    }
}

fn name(number: usize) -> String {
    (10_000 + number).to_string()
}

/// The number after `"at":`.
fn sent_at(packet: &[u8]) -> Option<u64> {
    let mark = b"\"at\":";
    let from = packet.windows(mark.len()).position(|part| part == mark)? + mark.len();
    std::str::from_utf8(packet.get(from..)?).ok()?.split([',', '}']).next()?.parse().ok()
}

/// Waits until nothing more comes.
pub(super) async fn settle(ears: &Ears) {
    for _ in 0..50 {
        let before = ears.heard();
        tokio::time::sleep(Duration::from_millis(200)).await;
        if ears.heard() == before {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_sending_is_found_wherever_a_server_puts_it() {
        assert_eq!(
            sent_at(br#"42["exchange",{"target":"user:1","payload":{"at":1000000000042,"text":"x"}}]"#),
            Some(1_000_000_000_042)
        );
        assert_eq!(sent_at(br#"42["exchange",{"data":{"payload":{"text":"x","at":7}}}]"#), Some(7));
        assert_eq!(sent_at(b"42[\"exchange\",{}]"), None);
    }
}
