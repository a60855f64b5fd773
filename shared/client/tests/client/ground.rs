//! A client under test, with bounded waits for what it tells.

use crate::server::Server;
use client::rules::Change;
use client::{Auth, Client, Event, Events, Options, Timing, Transports};
use std::time::Duration;
use tokio::time::timeout;

/// How long anything may take before it counts as never happening.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const OVER_BOTH: [Transports; 2] = [Transports::WebSocketOnly, Transports::PollingOnly];

pub(crate) struct Ground {
    pub(crate) client: Client,
    pub(crate) events: Heard,
}

pub(crate) struct Heard(pub(crate) Events);

/// Reconnects that do not keep a test waiting.
pub(crate) fn timing() -> Timing {
    Timing { first_wait_ms: 20, longest_wait_ms: 100, ..Timing::default() }
}

impl Ground {
    pub(crate) async fn on(server: &Server, user: &str, transports: Transports) -> Self {
        Self::with(options(server, user, transports)).await
    }

    /// One that soon counts requests as lost, and probes after so long.
    pub(crate) async fn impatient(server: &Server, user: &str, transports: Transports, probe_ms: u64) -> Self {
        let timing = Timing { probe_ms, ..timing() };
        Self::with(Options { timing, request_ms: 300, ..options(server, user, transports) }).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let (client, events) = Client::start(options).await.unwrap();
        Self { client, events: Heard(events) }
    }

    /// Reads events up to one for which `wanted` holds, and returns it.
    pub(crate) async fn hears(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        self.events.hears(wanted).await
    }

    pub(crate) async fn synced(&mut self) {
        let synced =
            |event: &Event| matches!(event, Event::Change(change) if matches!(**change, Change::Synced { .. }));
        self.hears(synced).await;
    }

    /// Reads up to a live event of this name.
    pub(crate) async fn hears_change(&mut self, name: &str) -> Change {
        let wanted = |event: &Event| match event {
            Event::Change(change) => matches!(&**change, Change::Event { event, .. } if &**event == name),
            _ => false,
        };
        let Event::Change(change) = self.hears(wanted).await else { unreachable!("a change was wanted") };
        *change
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let look = async {
            while !is_so() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("never: {what}"));
    }
}

impl Heard {
    async fn hears(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        let mut seen = Vec::new();
        loop {
            match timeout(PATIENCE, self.0.next()).await {
                Ok(Some(event)) if wanted(&event) => return event,
                Ok(Some(event)) => seen.push(event),
                Ok(None) => panic!("the events ended after {seen:?}"),
                Err(_) => panic!("it was not heard among {seen:?}"),
            }
        }
    }

    /// What is here already.
    pub(crate) fn rest(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.0.try_next()).collect()
    }
}

pub(crate) fn options(server: &Server, user: &str, transports: Transports) -> Options {
    let auth = Auth::development(user.parse().unwrap());
    Options { transports, timing: timing(), ..Options::new([server.address()], auth) }
}
