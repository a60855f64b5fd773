//! The connection on which this process publishes to one server.
//!
//! What is asked here is answered by a number. The keeper opens it with fred's connection to the same server, and gives up
//! both together.

use super::link::Target;
use super::options::Options;
use super::pipe::{Dialect, Driver, Next, Pipe, Pulse, Said};
use super::resp::{connect, number};
use super::script::RAISE;
use super::trouble::Trouble;
use crate::{Error, NodeName};
use secrecy::SecretString;
use std::sync::Arc;
use tokio::time::timeout;

/// Whoever publishes has this. Cheap to share, and of no use when its connection has ended.
#[derive(Clone)]
pub(super) struct Publisher(Arc<Pipe<u64>>);

/// Answers are numbers, and a refusal is a sentence.
struct Numbers;

impl Dialect for Numbers {
    type Answer = u64;

    const AT_ONCE: usize = 4096;
    const LONGEST: usize = 4096;

    fn read(&mut self, bytes: &[u8], node: &NodeName) -> Next<Said<u64>> {
        let Some(length) = bytes.windows(2).position(|end| end == b"\r\n") else { return Ok(None) };
        Ok(Some((Said::Answer(number(&bytes[..length], node)?), length + 2)))
    }
}

impl Publisher {
    /// Connects to the server that goes by this run id, and to no other. Takes no longer than the patience of the
    /// options.
    pub(super) async fn open(
        node: &NodeName,
        target: &Target,
        password: Option<&SecretString>,
        run_id: &str,
        options: &Options,
    ) -> Result<Driver<u64>, Trouble> {
        let opening = timeout(options.patience, connect(target, password, run_id));
        let stream = opening.await.unwrap_or(Err(Trouble::Silent(options.patience)))?;
        Ok(Pipe::over(stream, node, Numbers, Pulse::Unasked, options))
    }

    pub(super) fn on(driver: &Driver<u64>) -> Self {
        Self(driver.pipe().clone())
    }

    /// Publishes; how many connections received it.
    pub(super) async fn publish(&self, channel: &str, message: &[u8]) -> Result<usize, Error> {
        let received = self.0.ask(&[b"PUBLISH", channel.as_bytes(), message]).await?;
        Ok(usize::try_from(received).unwrap_or(usize::MAX))
    }

    /// Runs the script that raises a version and publishes with it; the version.
    pub(super) async fn raise(&self, key: &str, args: [&[u8]; 4]) -> Result<u64, Error> {
        let [channel, message, generation, kept] = args;
        let with = async |command: &str, script: &str| {
            let script = [command.as_bytes(), script.as_bytes(), b"1", key.as_bytes()];
            self.0.ask(&[&script[..], &[channel, message, generation, kept]].concat()).await
        };
        match with("EVALSHA", RAISE.digest()).await {
            Err(Error::Refused { reason, .. }) if reason.starts_with("NOSCRIPT") => with("EVAL", RAISE.text()).await,
            other => other,
        }
    }

    /// Returns when the server has done all that was published before, or the connection is over.
    pub(super) async fn drained(&self) {
        // Any command would do that reads little and is answered by a number.
        self.0.ask(&[b"DBSIZE"]).await.ok();
    }
}
