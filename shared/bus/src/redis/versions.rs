//! Versions of channels: raised with a message, read, and compared with what was heard.
//!
//! A subscriber connection hears the numbers of a channel in their order, because one server gives them out. So a number
//! that does not follow its predecessor is a gap, known with the next message; and a number that the node has given out
//! and that nobody heard is found by comparing.

use super::node::Node;
use super::script::{Answer, VERSION, VERSIONS};
use super::{Link, names};
use crate::{Error, Version, version};
use bytes::Bytes;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use types::{Channel, UserKey};

/// A version that nobody asked for in so long is forgotten: whoever comes back then looks into the store.
const KEPT_SECS: u64 = 8 * 86_400;

/// Channels asked about in one script: well under a millisecond of Redis.
const ASKED_AT_ONCE: usize = 500;

/// How long what was published may be under way.
const UNDER_WAY: Duration = Duration::from_millis(100);

impl Node {
    pub(super) async fn raise(&self, channel: &Channel, message: &Bytes) -> Result<u64, Error> {
        let rest = version::rest_of(channel, message)?;
        let key = names::version(channel).ok_or(Error::Unversioned)?;
        let (channel, generation, kept) = (channel.to_string(), self.new_name(), KEPT_SECS.to_string());
        let args = [channel.as_bytes(), rest.as_ref(), generation.as_bytes(), kept.as_bytes()];
        self.publisher().await?.raise(&key, args).await
    }

    pub(super) async fn version(&self, channel: &Channel) -> Result<Version, Error> {
        self.seat.check()?;
        let key = names::version(channel).ok_or(Error::Unversioned)?;
        let link = self.link().await?;
        let args = vec![self.new_name().into(), KEPT_SECS.to_string().into()];
        let mut answer = Answer::of(link.run(&VERSION, vec![key], args).await?);
        let number = answer.number();
        let generation = answer.text().unwrap_or_default().into();
        Ok(Version { number, generation, server: link.run_id().into() })
    }

    /// Noted beside the version, which lives as long as anything that is remembered of a user.
    pub(super) async fn note_known(&self, user: &UserKey, store: &str) -> Result<(), Error> {
        self.seat.check()?;
        let [.., key] = names::registered(user);
        let link = self.link().await?;
        link.command("HSET", vec![key.as_str().into(), "known".into(), store.into()]).await?;
        link.command("EXPIRE", vec![key.into(), KEPT_SECS.to_string().into()]).await?;
        Ok(())
    }

    /// Finds channels of which this process has not heard the last number, though it has had the time.
    pub(super) async fn compare_versions(&self, link: &Link) -> Result<(), Error> {
        let subscribers = self.subscribers.lock().clone();
        for subscriber in subscribers {
            for part in subscriber.counted().chunks(ASKED_AT_ONCE) {
                let numbers = self.numbers(link, part).await?;
                let behind: Vec<_> = part
                    .iter()
                    .zip(numbers)
                    .filter(|(channel, number)| !subscriber.has_heard(channel, *number))
                    .collect();
                if behind.is_empty() {
                    continue;
                }
                tokio::time::sleep(UNDER_WAY).await;
                let missed: Vec<Channel> = behind
                    .into_iter()
                    .filter(|(channel, number)| subscriber.skip_to(channel, *number))
                    .map(|(channel, _)| channel.clone())
                    .collect();
                self.tell_gap(&missed, false);
            }
        }
        Ok(())
    }

    async fn numbers(&self, link: &Link, channels: &[Channel]) -> Result<Vec<u64>, Error> {
        let keys: Vec<String> = channels.iter().filter_map(names::version).collect();
        let mut answer = Answer::of(link.run(&VERSIONS, keys, Vec::new()).await?);
        Ok(channels.iter().map(|_| answer.number()).collect())
    }

    /// For a counting that may begin now.
    fn new_name(&self) -> String {
        static NAMES: AtomicU64 = AtomicU64::new(0);
        format!("{}.{}", self.seat.process.incarnation, NAMES.fetch_add(1, Ordering::Relaxed))
    }
}
