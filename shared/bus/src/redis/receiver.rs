//! The connection on which this process hears what is published on one server.
//!
//! What is heard is passed on by the task that reads it, as it lies in the buffer. So it is read as fast as it is taken,
//! and what piles up meanwhile does so at the server, which ends a connection that falls too far behind: what was missed is
//! told as after any loss.

use super::link::Target;
use super::options::Options;
use super::pipe::{Dialect, Driver, Next, Pipe, Pulse, Said};
use super::resp::{Heard, connect, heard};
use super::script::Call;
use super::trouble::Trouble;
use crate::{Error, NodeName};
use fred::types::Value;
use secrecy::SecretString;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Whoever subscribes has this. Cheap to share, and of no use when its connection has ended.
#[derive(Clone)]
pub(super) struct Receiver(Arc<Pipe<Value>>);

/// Messages go to `hear`, with the name of their channel.
struct Messages<H> {
    hear: H,
}

impl<H: Fn(&[u8], &[u8]) + Send + Unpin + 'static> Dialect for Messages<H> {
    type Answer = Value;

    const AT_ONCE: usize = 64 << 10;
    const LONGEST: usize = 16 << 20;

    fn read(&mut self, bytes: &[u8], node: &NodeName) -> Next<Said<Value>> {
        let Some((heard, length)) = heard(bytes, node)? else { return Ok(None) };
        let said = match heard {
            Heard::Message { channel, message } => {
                (self.hear)(channel, message);
                Said::Unasked
            }
            Heard::Notice => Said::Unasked,
            Heard::Answer(answer) => Said::Answer(answer),
        };
        Ok(Some((said, length)))
    }
}

impl Receiver {
    /// Connects to the server that goes by this run id, and to no other, and makes sure that it still serves. Takes no
    /// longer than the patience of the options.
    pub(super) async fn open(
        node: &NodeName,
        target: &Target,
        password: Option<&SecretString>,
        run_id: &str,
        options: &Options,
        hear: impl Fn(&[u8], &[u8]) + Send + Unpin + 'static,
    ) -> Result<Driver<Value>, Trouble> {
        let opening = async {
            let stream = connect(target, password, run_id).await?;
            Self::begin(stream, node, options, hear).await
        };
        timeout(options.patience, opening).await.unwrap_or(Err(Trouble::Silent(options.patience)))
    }

    async fn begin(
        stream: TcpStream,
        node: &NodeName,
        options: &Options,
        hear: impl Fn(&[u8], &[u8]) + Send + Unpin + 'static,
    ) -> Result<Driver<Value>, Trouble> {
        let mut driver = Pipe::over(stream, node, Messages { hear }, Pulse::Asked, options);
        let pipe = driver.pipe().clone();
        let (greeted, role) = tokio::join!(pipe.ask(&[b"HELLO", b"3"]), pipe.ask(&[b"ROLE"]));
        let trouble = match (greeted, role) {
            (Ok(_), Ok(role)) => {
                let role = role.into_array().into_iter().next().and_then(Value::into_string).unwrap_or_default();
                if role == "master" || !options.guards.role {
                    return Ok(driver);
                }
                Trouble::Role(role.into())
            }
            (Err(Error::Refused { reason, .. }), _) | (_, Err(Error::Refused { reason, .. })) => Trouble::Unfit(reason),
            _ => return Err(driver.ended().await),
        };
        driver.close().await;
        Err(trouble)
    }

    pub(super) fn on(driver: &Driver<Value>) -> Self {
        Self(driver.pipe().clone())
    }

    /// Sends a subscription; [`Self::barrier`] knows when it holds.
    pub(super) fn subscribe(&self, channels: &[String]) -> Result<(), Error> {
        self.tell("SUBSCRIBE", channels)
    }

    pub(super) fn unsubscribe(&self, channels: &[String]) -> Result<(), Error> {
        self.tell("UNSUBSCRIBE", channels)
    }

    /// Without a channel a command would mean all of them, or nothing that the server knows.
    fn tell(&self, command: &str, channels: &[String]) -> Result<(), Error> {
        let names = channels.iter().map(String::as_bytes);
        let command: Vec<_> = std::iter::once(command.as_bytes()).chain(names).collect();
        if channels.is_empty() || self.0.tell(&command) { Ok(()) } else { Err(self.0.down()) }
    }

    /// Returns when the server has done all that was sent before.
    pub(super) async fn barrier(&self) -> Result<(), Error> {
        self.0.ask(&[b"PING"]).await.map(drop)
    }

    /// Runs a script by its digest, with its text if the server does not know it (any more).
    pub(super) async fn call(&self, call: &Call) -> Result<Value, Error> {
        let with = async |name: &str, script: &str| {
            let command = call.command(name, script);
            self.0.ask(&command.iter().map(AsRef::as_ref).collect::<Vec<_>>()).await
        };
        match with("EVALSHA", call.script.digest()).await {
            Err(Error::Refused { reason, .. }) if reason.starts_with("NOSCRIPT") => {
                with("EVAL", call.script.text()).await
            }
            other => other,
        }
    }
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
