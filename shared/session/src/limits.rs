//! The limits a connection is held to, and who is counted against them.
//!
//! Numbers of connections are held by [`Ticket`]s: a connection owns its ticket, and the count falls when the ticket
//! is dropped, whatever ended the connection.

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;
use serde::Deserialize;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use types::{Code, Failure, UserKey};

/// What is allowed. Every number is per process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Connections of this process, all users together.
    pub max_connections: usize,
    /// Connections from one address.
    pub max_connections_per_address: usize,
    /// Connections of one user: windows and devices together.
    pub max_connections_per_user: usize,
    /// Handshakes from one address in a second, after a burst of ten times as many.
    pub handshakes_per_second_per_address: u32,
    /// Events from one user in a second, after a burst of `event_burst_per_user`.
    pub events_per_second_per_user: u32,
    pub event_burst_per_user: u32,
    /// Pictures that a user may upload in a minute.
    pub pictures_per_minute_per_user: u32,
    /// Bytes that wait for one connection whose reader is behind; more closes it with `slow`.
    pub send_queue_bytes: usize,
}

/// Counts and rates of one process.
pub struct Limits {
    config: Config,
    connections: Arc<AtomicUsize>,
    addresses: Arc<Counts<IpAddr>>,
    http_connections: Arc<AtomicUsize>,
    http_addresses: Arc<Counts<IpAddr>>,
    users: Arc<Counts<UserKey>>,
    handshakes: DefaultKeyedRateLimiter<IpAddr>,
    events: DefaultKeyedRateLimiter<UserKey>,
    pictures: DefaultKeyedRateLimiter<UserKey>,
}

/// A place among the counted; given back when dropped.
#[derive(Debug)]
pub struct Ticket<K: Hash + Eq = IpAddr> {
    key: K,
    counts: Arc<Counts<K>>,
    total: Option<Arc<AtomicUsize>>,
}

#[derive(Debug)]
struct Counts<K>(Mutex<HashMap<K, usize>>);

impl Limits {
    pub fn new(config: Config) -> Self {
        let handshake_rate = at_least_one(config.handshakes_per_second_per_address);
        let handshakes = Quota::per_second(handshake_rate).allow_burst(handshake_rate.saturating_mul(TEN));
        let event_rate = at_least_one(config.events_per_second_per_user);
        let events = Quota::per_second(event_rate).allow_burst(at_least_one(config.event_burst_per_user));
        Self {
            connections: Arc::default(),
            addresses: Arc::default(),
            http_connections: Arc::default(),
            http_addresses: Arc::default(),
            users: Arc::default(),
            handshakes: RateLimiter::keyed(handshakes),
            events: RateLimiter::keyed(events),
            pictures: RateLimiter::keyed(Quota::per_minute(at_least_one(config.pictures_per_minute_per_user))),
            config,
        }
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Counts a new connection from an address.
    ///
    /// # Errors
    /// `rate_limited` for the address's own excess, `unavailable` when the process is full.
    pub fn connect(&self, address: IpAddr) -> Result<Ticket, Failure> {
        within(&self.handshakes, &address, "too many handshakes from this address")?;
        if self.connections.fetch_add(1, Ordering::AcqRel) >= self.config.max_connections {
            self.connections.fetch_sub(1, Ordering::AcqRel);
            return Err(Failure::unavailable("this process holds as many connections as it may").retry_after(1_000));
        }
        let total = Some(self.connections.clone());
        let Some(mut ticket) = take(&self.addresses, address, self.config.max_connections_per_address) else {
            self.connections.fetch_sub(1, Ordering::AcqRel);
            return Err(rate_limited("too many connections from this address").retry_after(1_000));
        };
        ticket.total = total;
        Ok(ticket)
    }

    /// Counts a TCP connection while it speaks HTTP, by the same numbers as sessions; `None` when there are too many.
    pub fn accept(&self, address: IpAddr) -> Option<Ticket> {
        self.accept_at_most(self.config.max_connections_per_address, address)
    }

    /// The same for a reverse proxy, whose address is not that of the clients behind it: the process's bound alone.
    pub fn accept_proxy(&self, address: IpAddr) -> Option<Ticket> {
        self.accept_at_most(self.config.max_connections, address)
    }

    fn accept_at_most(&self, most: usize, address: IpAddr) -> Option<Ticket> {
        let mut ticket = take(&self.http_addresses, address, most)?;
        if self.http_connections.fetch_add(1, Ordering::AcqRel) >= self.config.max_connections {
            self.http_connections.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        ticket.total = Some(self.http_connections.clone());
        Some(ticket)
    }

    /// Counts a connection for its user.
    ///
    /// # Errors
    /// `rate_limited` when the user has as many as allowed.
    pub fn login(&self, user: &UserKey) -> Result<Ticket<UserKey>, Failure> {
        take(&self.users, user.clone(), self.config.max_connections_per_user)
            .ok_or_else(|| rate_limited("too many connections of this user").retry_after(1_000))
    }

    /// Counts one event of a user.
    ///
    /// # Errors
    /// `rate_limited`, with the time after which one more is allowed.
    pub fn event(&self, user: &UserKey) -> Result<(), Failure> {
        within(&self.events, user, "too many events; slow down")
    }

    /// Counts a picture that a user uploads.
    ///
    /// # Errors
    /// `rate_limited`, with the time after which one more is allowed.
    pub fn picture(&self, user: &UserKey) -> Result<(), Failure> {
        within(&self.pictures, user, "too many pictures; wait a little")
    }

    /// Connections held now.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    /// Forgets the rates of those who have been quiet long enough; called now and then.
    pub fn prune(&self) {
        self.handshakes.retain_recent();
        self.events.retain_recent();
        self.pictures.retain_recent();
        self.handshakes.shrink_to_fit();
        self.events.shrink_to_fit();
        self.pictures.shrink_to_fit();
    }
}

const TEN: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

fn rate_limited(message: &'static str) -> Failure {
    Failure::new(Code::RateLimited, message)
}

fn within<K: Hash + Eq + Clone>(
    rates: &DefaultKeyedRateLimiter<K>,
    key: &K,
    refusal: &'static str,
) -> Result<(), Failure> {
    rates.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(rates.clock().now()).as_millis() as u64;
        rate_limited(refusal).retry_after(wait.max(1))
    })
}

fn take<K: Hash + Eq + Clone>(counts: &Arc<Counts<K>>, key: K, most: usize) -> Option<Ticket<K>> {
    let mut map = counts.0.lock();
    let count = map.entry(key.clone()).or_default();
    if *count >= most {
        return None;
    }
    *count += 1;
    drop(map);
    Some(Ticket { key, counts: counts.clone(), total: None })
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq> Drop for Ticket<K> {
    fn drop(&mut self) {
        let mut map = self.counts.0.lock();
        if let Some(count) = map.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                map.remove(&self.key);
            }
        }
        if let Some(total) = &self.total {
            total.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::new(Config {
            max_connections: 3,
            max_connections_per_address: 2,
            max_connections_per_user: 1,
            handshakes_per_second_per_address: 1,
            events_per_second_per_user: 1,
            event_burst_per_user: 2,
            pictures_per_minute_per_user: 2,
            send_queue_bytes: 1024,
        })
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let limits = limits();
        let first = limits.connect(address(1)).unwrap();
        let _second = limits.connect(address(1)).unwrap();
        assert_eq!(limits.connect(address(1)).unwrap_err().code, Code::RateLimited);
        assert_eq!(limits.connections(), 2);
        drop(first);
        assert!(limits.connect(address(1)).is_ok());
    }

    #[test]
    fn a_full_process_says_unavailable_and_counts_nothing() {
        let limits = limits();
        let held: Vec<_> = (1..=3).map(|last| limits.connect(address(last)).unwrap()).collect();
        assert_eq!(limits.connect(address(4)).unwrap_err().code, Code::Unavailable);
        drop(held);
        assert_eq!(limits.connections(), 0);
        assert!(limits.addresses.0.lock().is_empty());
    }

    #[test]
    fn connections_that_speak_http_are_bounded_and_given_back() {
        let limits = limits();
        let held: Vec<_> = (0..5).map_while(|_| limits.accept(address(1))).collect();
        assert_eq!(held.len(), 2);
        let others: Vec<_> = (2..9).map_while(|last| limits.accept(address(last))).collect();
        assert_eq!(others.len(), 1);
        drop((held, others));
        assert!(limits.accept(address(1)).is_some());
        assert!(limits.http_addresses.0.lock().is_empty());
    }

    #[test]
    fn a_user_over_the_rate_is_told_when_to_come_back() {
        let limits = limits();
        let user: UserKey = "m7".parse().unwrap();
        type Count = fn(&Limits, &UserKey) -> Result<(), Failure>;
        let rates: [(Count, u64); 2] = [(Limits::event, 1_000), (Limits::picture, 30_000)];
        for (count, longest) in rates {
            assert!(count(&limits, &user).is_ok());
            assert!(count(&limits, &user).is_ok());
            let refused = count(&limits, &user).unwrap_err();
            assert_eq!(refused.code, Code::RateLimited);
            assert!(refused.retry_after_ms.is_some_and(|wait| (1..=longest).contains(&wait)));
            assert!(count(&limits, &"m8".parse().unwrap()).is_ok());
        }
    }

    #[test]
    fn a_burst_of_handshakes_is_bounded_per_address() {
        let limits = limits();
        let outcomes: Vec<bool> = (0..15).map(|_| limits.connect(address(9)).is_ok()).collect();
        assert_eq!(outcomes.iter().filter(|admitted| **admitted).count(), 10);
    }
}
