//! One connection to one server: opened, checked, watched and closed by us.
//!
//! fred drives the socket and matches answers to commands. It is told not to reconnect and not to repeat anything: a
//! connection that ends is over, and what to do about that is decided where more is known.

use super::beat::sign_due;
use super::options::Options;
use super::script::{Call, Script};
use super::trouble::Trouble;
use crate::{Error, NodeName};
use fred::clients::Client;
use fred::error::ErrorKind;
use fred::interfaces::{ClientLike, EventInterface, LuaInterface, PubsubInterface};
use fred::types::config::{Config, ConnectionConfig, PerformanceConfig, ServerConfig, TcpConfig};
use fred::types::{ConnectHandle, CustomCommand, Message, RespVersion, Value};
use secrecy::{ExposeSecret, SecretString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Semaphore, broadcast};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// What may be under way on one connection, in KiB: four times what a second of a busy process is, and no danger.
const ROOM_KIB: usize = 32 * 1024;

/// For connections on which no messages come.
const NO_MESSAGES: usize = 1;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Commands,
    /// With a Sentinel, which has a role of its own and sends few messages.
    Sentinel,
}

/// A connection that was found to serve. Cheap to share; whoever has the [`Driver`] decides how long it lives.
pub(super) struct Link {
    client: Client,
    node: NodeName,
    patience: Duration,
    room: Semaphore,
    /// Changes with every start of the server.
    run_id: Box<str>,
    dead: CancellationToken,
    verdict: OnceLock<Trouble>,
    opened: Instant,
    /// When the server was last heard, in milliseconds since then.
    last_sign: AtomicU64,
}

/// Keeps a connection open until it is closed or dropped.
pub(super) struct Driver {
    task: Task,
    link: Arc<Link>,
}

/// fred's task for one connection; it ends with this.
struct Task(ConnectHandle);

impl Link {
    /// Connects and makes sure that it is the right kind of server. Takes no longer than the patience of the options.
    pub(super) async fn open(
        node: &NodeName,
        target: &Target,
        password: Option<&SecretString>,
        purpose: Purpose,
        options: &Options,
    ) -> Result<Driver, Trouble> {
        let client = client(target, password, purpose, options);
        let mut task = Task(client.connect());
        // Boxed, as every call of fred: its futures are thousands of bytes.
        let checking = Box::pin(async {
            tokio::select! {
                ended = &mut task.0 => Err(match ended {
                    Ok(Err(error)) => Trouble::Connect(error.details().into()),
                    _ => Trouble::Lost,
                }),
                checked = check(&client, purpose, options.guards.role) => checked,
            }
        });
        let checked = timeout(options.patience, checking).await.unwrap_or(Err(Trouble::Silent(options.patience)));
        match checked {
            Ok(run_id) => {
                let link = Link {
                    client,
                    node: node.clone(),
                    patience: options.patience,
                    room: Semaphore::new(ROOM_KIB),
                    run_id,
                    dead: CancellationToken::new(),
                    verdict: OnceLock::new(),
                    opened: Instant::now(),
                    last_sign: AtomicU64::new(0),
                };
                Ok(Driver { task, link: Arc::new(link) })
            }
            Err(trouble) => {
                task.end().await;
                Err(trouble)
            }
        }
    }

    pub(super) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The messages of this connection from now on.
    pub(super) fn messages(&self) -> broadcast::Receiver<Message> {
        self.client.message_rx()
    }

    /// Runs a script.
    pub(super) async fn run(
        &self,
        script: &'static Script,
        keys: Vec<String>,
        args: Vec<Value>,
    ) -> Result<Value, Error> {
        self.call(&Call { script, keys, args }).await
    }

    /// Runs a script by its digest, with its text if the server does not know it (any more).
    pub(super) async fn call(&self, Call { script, keys, args }: &Call) -> Result<Value, Error> {
        let size = args.iter().map(|arg| arg.as_bytes().map_or(8, <[u8]>::len)).sum();
        let running = Box::pin(async {
            match self.client.evalsha(script.digest(), keys.clone(), args.clone()).await {
                Err(error) if error.details().starts_with("NOSCRIPT") => {
                    self.client.eval(script.text(), keys.clone(), args.clone()).await
                }
                other => other,
            }
        });
        self.metered(size, running).await
    }

    /// Any other command.
    pub(super) async fn command(&self, name: &'static str, args: Vec<Value>) -> Result<Value, Error> {
        self.metered(0, Box::pin(self.client.custom(CustomCommand::new_static(name, None::<u16>, false), args))).await
    }

    /// Sends a subscription; [`Link::barrier`] knows when it holds.
    pub(super) async fn subscribe(&self, channels: Vec<String>) -> Result<(), Error> {
        self.bounded(Box::pin(self.client.subscribe(channels))).await
    }

    /// Returns when the server has done all that was sent on this connection before.
    pub(super) async fn barrier(&self) -> Result<(), Error> {
        self.bounded(Box::pin(self.client.ping::<Value>(None))).await.map(|_: Value| self.note_sign())
    }

    /// Something has come from the server: it lives.
    fn note_sign(&self) {
        self.last_sign.store(self.opened.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// Whatever the connection still does, it is of no use.
    fn condemn(&self, trouble: Trouble) {
        self.verdict.set(trouble).ok();
        self.dead.cancel();
    }

    /// Refuses more than may be under way: calls that wait for a slow server must not fill the memory.
    async fn metered<T>(
        &self,
        size: usize,
        call: impl Future<Output = Result<T, fred::error::Error>>,
    ) -> Result<T, Error> {
        let kib = u32::try_from(size / 1024 + 1).unwrap_or(u32::MAX);
        let Ok(_permit) = self.room.try_acquire_many(kib) else { return Err(self.down()) };
        // Not so where fred answers itself, as it does to subscriptions.
        self.bounded(call).await.inspect(|_| self.note_sign())
    }

    async fn bounded<T>(&self, call: impl Future<Output = Result<T, fred::error::Error>>) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.dead.cancelled() => Err(self.down()),
            outcome = timeout(self.patience, call) => match outcome {
                Ok(outcome) => outcome.map_err(|error| self.translate(&error)),
                Err(_) => Err(self.down()),
            },
        }
    }

    fn down(&self) -> Error {
        Error::Down(self.node.clone())
    }

    fn translate(&self, error: &fred::error::Error) -> Error {
        let details = error.details();
        let code = details.split(' ').next().unwrap_or_default();
        let answered = !matches!(error.kind(), ErrorKind::IO | ErrorKind::Canceled | ErrorKind::Timeout)
            && code.len() > 2
            && code.bytes().all(|byte| byte.is_ascii_uppercase());
        match code {
            _ if !answered => self.down(),
            _ if is_unfit(details) => {
                self.condemn(Trouble::Unfit(details.into()));
                self.down()
            }
            _ => Error::Refused { node: self.node.clone(), reason: details.into() },
        }
    }
}

impl Driver {
    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Returns when the connection has ended or was condemned.
    pub(super) async fn ended(&mut self) -> Trouble {
        tokio::select! {
            () = self.link.dead.cancelled() => self.link.verdict.get().cloned().unwrap_or(Trouble::Lost),
            ended = &mut self.task.0 => match ended {
                Ok(Err(error)) if !error.is_canceled() => Trouble::Connect(error.details().into()),
                _ => Trouble::Lost,
            },
        }
    }

    /// Asks for a sign of life where none has come of itself for a pulse, and returns when there is none.
    pub(super) async fn silence(link: &Link, options: &Options) -> Trouble {
        if !options.guards.pulse {
            return std::future::pending().await;
        }
        loop {
            let before = link.last_sign.load(Ordering::Relaxed);
            let due = sign_due(link.opened + Duration::from_millis(before), options.pulse);
            if Instant::now() < due {
                sleep_until(due).await;
            } else if link.barrier().await.is_err() && link.last_sign.load(Ordering::Relaxed) == before {
                return Trouble::Silent(options.patience);
            }
        }
    }

    /// Ends the connection now, whatever is under way on it.
    pub(super) async fn close(mut self) {
        self.link.dead.cancel();
        self.task.end().await;
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.link.dead.cancel();
    }
}

impl Task {
    /// The socket is closed when this returns.
    async fn end(&mut self) {
        self.0.abort();
        if !self.0.is_finished() {
            let _ = (&mut self.0).await;
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Refused by a server that is no master, or not ready. An older one says it of a script's command in the middle.
pub(super) fn is_unfit(refusal: &str) -> bool {
    let code = refusal.split(' ').next().unwrap_or_default();
    ["READONLY", "LOADING", "MASTERDOWN", "NOAUTH"].contains(&code) || refusal.contains("-READONLY")
}

fn client(target: &Target, password: Option<&SecretString>, purpose: Purpose, options: &Options) -> Client {
    let config = Config {
        server: ServerConfig::new_centralized(target.host.clone(), target.port),
        version: RespVersion::RESP3,
        password: password.map(|password| password.expose_secret().to_owned()),
        fail_fast: true,
        ..Config::default()
    };
    let performance = PerformanceConfig {
        broadcast_channel_capacity: match purpose {
            Purpose::Commands => NO_MESSAGES,
            Purpose::Sentinel => 1024,
        },
        ..PerformanceConfig::default()
    };
    let connection = ConnectionConfig {
        connection_timeout: options.patience,
        internal_command_timeout: options.patience,
        max_command_attempts: 1,
        tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
        ..ConnectionConfig::default()
    };
    Client::new(config, Some(performance), Some(connection), None)
}

/// The run id of the server, if it is what it should be. The commands wait in fred until it is connected.
async fn check(client: &Client, purpose: Purpose, role_matters: bool) -> Result<Box<str>, Trouble> {
    let custom =
        |name, args: Vec<Value>| client.custom::<Value, _>(CustomCommand::new_static(name, None::<u16>, false), args);
    let (role, info) = tokio::join!(custom("ROLE", Vec::new()), custom("INFO", vec!["server".into()]));
    let refused = |error: fred::error::Error| Trouble::Unfit(error.details().into());
    let role = role.map_err(refused)?.into_array().into_iter().next().and_then(Value::into_string).unwrap_or_default();
    if purpose != Purpose::Sentinel && role != "master" && role_matters {
        return Err(Trouble::Role(role.into()));
    }
    let info = info.map_err(refused)?.into_string().unwrap_or_default();
    let run_id = info.lines().find_map(|line| line.strip_prefix("run_id:"));
    Ok(run_id.unwrap_or_default().trim().into())
}
