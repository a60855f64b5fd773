//! Pairs of clients that only poll. Each has two connections, as a browser has: one waits, the other sends. Who was
//! written to writes back.

use super::pairs::{Ears, settle};
use super::scenario::Figure;
use super::site::Site;
use anyhow::ensure;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tests::http::{Connection, head};
use tests::polling::Polling;
use tokio::task::JoinSet;

struct Client {
    address: SocketAddr,
    path: String,
    waits: Connection,
    sends: Connection,
    other: String,
    shared: Arc<Shared>,
}

struct Shared {
    ears: Ears,
    sent: AtomicU64,
    stop: AtomicBool,
}

const WARM: Duration = Duration::from_secs(1);
const END: Duration = Duration::from_secs(1);

pub(super) async fn measure(site: &Site, clients: usize, seconds: Duration) -> anyhow::Result<Vec<Figure>> {
    let shared = Arc::new(Shared { ears: Ears::new(), sent: AtomicU64::new(0), stop: AtomicBool::new(false) });
    let mut all = Vec::new();
    for number in 0..clients.next_multiple_of(2) {
        all.push(Client::open(site, number, &shared).await?);
    }
    let mut tasks = JoinSet::new();
    for client in all {
        tasks.spawn(client.talk());
    }
    tokio::time::sleep(WARM).await;
    let (cpu, begun, before) = (site.cpu()?, Instant::now(), shared.ears.heard());
    tokio::time::sleep(seconds).await;
    let (cpu, seconds) = (site.cpu()?.saturating_sub(cpu), begun.elapsed().as_secs_f64());
    let messages = (shared.ears.heard() - before).max(1) as f64;
    shared.stop.store(true, Ordering::Relaxed);
    tokio::time::sleep(END).await;
    settle(&shared.ears).await;
    let mut ended = 0;
    while let Some(outcome) = tasks.try_join_next() {
        ended += 1;
        if let Ok(Err(error)) = outcome {
            eprintln!("{}: a client that polls: {error:#}", site.kind().name());
        }
    }
    let astray = shared.sent.load(Ordering::Relaxed).abs_diff(shared.ears.heard());
    Ok(vec![
        Figure::most("delivered/s", messages / seconds),
        Figure::least("CPU us/message", cpu.as_micros() as f64 / messages),
        Figure::zero("lost or twice", astray as f64),
        Figure::zero("connections ended", f64::from(ended)),
    ])
}

impl Client {
    async fn open(site: &Site, number: usize, shared: &Arc<Shared>) -> anyhow::Result<Self> {
        let (address, name) = (site.address(number), |number: usize| (10_000 + number).to_string());
        let (greeting, user) = (site.kind().greeting(), name(number));
        let session = Polling::handshake(address, "/socket.io/", &format!("EIO=4{}", greeting.query(&user))).await?;
        let mut client = Self {
            address,
            path: session.path(),
            waits: Connection::open(address).await?,
            sends: Connection::open(address).await?,
            other: name(number ^ 1),
            shared: shared.clone(),
        };
        client.post(&greeting.connect(&user)).await?;
        loop {
            client.ask().await?;
            if client.packets().await?.contains(greeting.mark()) {
                return Ok(client);
            }
        }
    }

    async fn talk(mut self) -> anyhow::Result<()> {
        self.ask().await?;
        self.write().await?;
        loop {
            let packets = self.packets().await?;
            self.ask().await?;
            for packet in packets.split('\x1e') {
                if packet == "2" {
                    self.post("3").await?;
                } else if packet.starts_with("42[\"exchange\"") {
                    self.shared.ears.hear(packet.as_bytes());
                    if !self.shared.stop.load(Ordering::Relaxed) {
                        self.write().await?;
                    }
                }
            }
        }
    }

    async fn write(&mut self) -> anyhow::Result<()> {
        let (to, at, text) = (&self.other, self.shared.ears.now().as_micros(), "x".repeat(64));
        let packet = format!(r#"421["exchange",{{"target":"user:{to}","payload":{{"at":{at},"text":"{text}"}}}}]"#);
        self.shared.sent.fetch_add(1, Ordering::Relaxed);
        self.post(&packet).await
    }

    async fn ask(&mut self) -> anyhow::Result<()> {
        self.waits.send(&head(self.address, "GET", &self.path, &[], None)).await
    }

    /// What the waiting request is answered with.
    async fn packets(&mut self) -> anyhow::Result<String> {
        let answer = self.waits.answer().await?;
        ensure!(answer.status == 200, "a poll was answered {}: {}", answer.status, answer.text());
        Ok(answer.text())
    }

    async fn post(&mut self, packet: &str) -> anyhow::Result<()> {
        let kind = [("Content-Type", "text/plain;charset=UTF-8")];
        let mut request = head(self.address, "POST", &self.path, &kind, Some(packet.len()));
        request.extend_from_slice(packet.as_bytes());
        self.sends.send(&request).await?;
        let answer = self.sends.answer().await?;
        ensure!(answer.status == 200, "a POST was answered {}: {}", answer.status, answer.text());
        Ok(())
    }
}
