//! The loads, and what each of them tells.

use super::site::{Kind, Site};
use super::{Options, broadcast, pairs, polling};
use std::time::Duration;

#[derive(Debug, Clone, Copy)]
pub(super) enum Scenario {
    /// Connections that do nothing, each with a user, on a process over Redis.
    Idle,
    /// Users in pairs who write to each other: each answers what it got, or so many messages a second of all together.
    Live { processes: usize, over_redis: bool, rate: Option<usize> },
    /// One message to everybody, again and again.
    Broadcast,
    /// Pairs who poll, and answer what they got.
    Polling,
}

/// One figure of a run.
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) value: f64,
    pub(super) best: Best,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Best {
    Least,
    Most,
    /// A count that should be nothing; the sum of all runs is told, and no ratio.
    Zero,
}

/// At this rate the cost of more processes is compared: eight of each kind keep up with it.
const SPREAD_RATE: usize = 1_000;

impl Figure {
    pub(super) fn least(name: &'static str, value: f64) -> Self {
        Self { name, value, best: Best::Least }
    }

    pub(super) fn most(name: &'static str, value: f64) -> Self {
        Self { name, value, best: Best::Most }
    }

    pub(super) fn zero(name: &'static str, value: f64) -> Self {
        Self { name, value, best: Best::Zero }
    }
}

impl Scenario {
    pub(super) fn all() -> Vec<Self> {
        let live = |processes, over_redis, rate| Self::Live { processes, over_redis, rate };
        vec![
            Self::Idle,
            live(1, false, None),
            live(1, false, Some(2_000)),
            live(2, true, None),
            live(2, true, Some(2_000)),
            live(2, true, Some(20_000)),
            live(1, true, Some(SPREAD_RATE)),
            live(8, true, Some(SPREAD_RATE)),
            Self::Broadcast,
            Self::Polling,
        ]
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Idle => "idle over Redis".into(),
            Self::Live { processes, over_redis, rate } => {
                let processes = match processes {
                    1 if *over_redis => "1 process over Redis".into(),
                    1 => "1 process".into(),
                    more => format!("{more} processes"),
                };
                rate.map_or_else(|| format!("{processes}, saturated"), |rate| format!("{processes}, {rate}/s"))
            }
            Self::Broadcast => "broadcast".into(),
            Self::Polling => "long-polling".into(),
        }
    }

    /// The same load with one process, where there is one to compare with.
    pub(super) fn alone(&self) -> Option<Self> {
        match *self {
            Self::Live { processes: 8, over_redis, rate } => Some(Self::Live { processes: 1, over_redis, rate }),
            _ => None,
        }
    }

    /// The bare relay does not poll.
    pub(super) fn suits(&self, kind: Kind) -> bool {
        !matches!((self, kind), (Self::Polling, Kind::Bare))
    }

    pub(super) async fn measure(&self, kind: Kind, options: &Options) -> anyhow::Result<Vec<Figure>> {
        let seconds = Duration::from_secs(options.seconds);
        match *self {
            Self::Idle => {
                let site = Site::start(kind, 1, true).await?;
                let pid = site.pids().sum();
                let figures =
                    crate::idle::measure_at(site.address(0), pid, kind.greeting(), options.connections).await?;
                Ok(vec![
                    Figure::least("bytes/connection", figures.bytes_per_connection as f64),
                    Figure::least("CPU us/connect", figures.cpu_per_connect.as_micros() as f64),
                ])
            }
            Self::Live { processes, over_redis, rate } => {
                let site = Site::start(kind, processes, over_redis).await?;
                pairs::measure(&site, options.users, rate, seconds).await
            }
            Self::Broadcast => {
                let site = Site::start(kind, 1, false).await?;
                broadcast::measure(&site, options.sockets, seconds).await
            }
            Self::Polling => {
                let site = Site::start(kind, 1, false).await?;
                polling::measure(&site, options.pollers, seconds).await
            }
        }
    }
}
