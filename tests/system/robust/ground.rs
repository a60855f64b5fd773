//! A server to throw things at, with two bystanders who talk on it all the while.

use super::client::{Client, Over};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tests::{Server, eventually};
use tokio::task::JoinHandle;

/// A real server and its bystanders.
pub(super) struct Ground {
    pub(super) server: Server,
    bystanders: Bystanders,
    /// Files open while nobody was connected.
    files: usize,
    has_metrics: bool,
}

const OPEN: &str = "im_connections_open{tier=\"imserver\"}";

impl Ground {
    /// The site IM in development mode.
    pub(super) async fn site(env: &[(&str, &str)]) -> Self {
        let server = Server::start("imserver", &[], env).await.unwrap();
        server.metrics().await.unwrap();
        let files = server.open_files().unwrap();
        let bystanders = Bystanders::on_site(server.address()).await;
        Self { server, bystanders, files, has_metrics: true }
    }

    /// The example that echoes.
    pub(super) async fn echo(args: &[&str]) -> Self {
        let args = [&["--listen", "127.0.0.1:0"], args].concat();
        let server = Server::start("examples/protocol_echo", &args, &[]).await.unwrap();
        let files = server.open_files().unwrap();
        let bystanders = Bystanders::on_echo(server.address()).await;
        Self { server, bystanders, files, has_metrics: false }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// How many connections have been closed for this reason.
    pub(super) async fn closed(&self, reason: &str) -> f64 {
        let name = format!("im_connections_closed_total{{tier=\"imserver\",reason=\"{reason}\"}}");
        self.server.metric(&name).await.unwrap_or(0.0)
    }

    /// Waits until so many connections have been closed for this reason.
    pub(super) async fn wait_closed(&self, reason: &str, wanted: f64) {
        let closed = async || match self.closed(reason).await {
            seen if seen >= wanted => Ok(()),
            seen => Err(seen),
        };
        eventually(&format!("{wanted} connections closed as {reason}"), closed).await;
    }

    /// Waits until only the bystanders are connected: whatever else there was is over, and counted so.
    pub(super) async fn alone(&self) {
        if self.has_metrics {
            self.wait_open(Bystanders::CONNECTIONS).await;
        }
        let most = self.files + Bystanders::FILES;
        let files = async || match self.server.open_files() {
            Ok(seen) if seen <= most => Ok(()),
            other => Err(format!("{other:?}, {most} at most")),
        };
        eventually("what was opened is closed", files).await;
    }

    /// The end of each test: the bystanders have lost nothing, no thread has panicked, and when they leave too the
    /// server holds nothing any more.
    pub(super) async fn clear(mut self) {
        self.alone().await;
        self.bystanders.leave().await;
        if self.has_metrics {
            self.wait_open(0).await;
        }
        let files = async || match self.server.open_files() {
            Ok(seen) if seen <= self.files => Ok(()),
            other => Err(format!("{other:?}, {} at first", self.files)),
        };
        eventually("no file stays open", files).await;
        let log = self.server.log();
        assert!(!log.contains("panicked"), "{log}");
    }

    async fn wait_open(&self, wanted: u64) {
        let open = async || match self.server.metric(OPEN).await {
            Ok(seen) if (seen - wanted as f64).abs() < 0.5 => Ok(()),
            other => Err(format!("{other:?}, not {wanted}")),
        };
        eventually("the gauge of connections", open).await;
    }
}

/// Two clients who talk in turn: what one says, the other must hear before it answers.
struct Bystanders {
    talk: JoinHandle<()>,
    pace: Arc<Pace>,
}

#[derive(Default)]
struct Pace {
    rounds: AtomicU64,
    enough: AtomicBool,
}

/// What the two say, and how it is heard.
struct Script {
    ask: fn(u64) -> String,
    reply: fn(u64) -> String,
}

/// Between two rounds: well within what one user may send.
const PAUSE: Duration = Duration::from_millis(30);

impl Bystanders {
    const CONNECTIONS: u64 = 2;
    /// A WebSocket, a GET, a POST, and the one before that is still being closed.
    const FILES: usize = 4;

    /// One on a WebSocket, one polling.
    async fn on_site(address: SocketAddr) -> Self {
        let (left, _) = Client::log_in(address, Over::WebSocket, "990001").await;
        let (right, _) = Client::log_in(address, Over::Polling, "m990002").await;
        Self::begin(left, right, Script { ask: ask_on_site, reply: reply_on_site })
    }

    /// In a namespace where nobody else is.
    async fn on_echo(address: SocketAddr) -> Self {
        let mut both = Vec::new();
        for over in [Over::WebSocket, Over::Polling] {
            let mut client = Client::open(address, over, "").await;
            client.send("40/custom,").await;
            client.until(|packet| packet.starts_with("40/custom,")).await;
            both.push(client);
        }
        let (Some(right), Some(left)) = (both.pop(), both.pop()) else { unreachable!("two were put in") };
        Self::begin(left, right, Script { ask: ask_on_echo, reply: reply_on_echo })
    }

    fn begin(left: Client, right: Client, script: Script) -> Self {
        let pace = Arc::new(Pace::default());
        Self { talk: tokio::spawn(talk(left, right, script, pace.clone())), pace }
    }

    /// They talk a few rounds more and leave.
    async fn leave(&mut self) {
        let goal = self.pace.rounds.load(Ordering::Acquire) + 3;
        let talked = async || match (self.pace.rounds.load(Ordering::Acquire), self.talk.is_finished()) {
            (rounds, false) if rounds < goal => Err(rounds),
            _ => Ok(()),
        };
        eventually("the bystanders go on talking", talked).await;
        self.pace.enough.store(true, Ordering::Release);
        (&mut self.talk).await.expect("the bystanders were disturbed");
    }
}

async fn talk(mut left: Client, mut right: Client, script: Script, pace: Arc<Pace>) {
    let mut round = 0;
    while !pace.enough.load(Ordering::Acquire) {
        left.send(&(script.ask)(round)).await;
        hear(&mut right, "ask", round).await;
        right.send(&(script.reply)(round)).await;
        hear(&mut left, "reply", round).await;
        round += 1;
        pace.rounds.store(round, Ordering::Release);
        tokio::time::sleep(PAUSE).await;
    }
    for client in [&mut left, &mut right] {
        client.send("1").await;
        client.end().await;
    }
}

/// The next thing said to this client, which must be the one of this round: none lost, none twice, none out of turn.
async fn hear(client: &mut Client, word: &str, round: u64) {
    let key = format!("\"{word}\":");
    let said = client.until(|packet| packet.contains(&key)).await;
    let number = said.split_once(&key).and_then(|(_, rest)| rest.split_once('}')).map(|(number, _)| number);
    assert_eq!(number, Some(round.to_string().as_str()), "{said}");
}

fn ask_on_site(round: u64) -> String {
    format!(r#"42["exchange",{{"target":"user:m990002","payload":{{"ask":{round}}}}}]"#)
}

fn reply_on_site(round: u64) -> String {
    format!(r#"42["exchange",{{"target":"user:990001","payload":{{"reply":{round}}}}}]"#)
}

fn ask_on_echo(round: u64) -> String {
    format!(r#"42/custom,["broadcast",{{"ask":{round}}}]"#)
}

fn reply_on_echo(round: u64) -> String {
    format!(r#"42/custom,["broadcast",{{"reply":{round}}}]"#)
}
