//! What can be measured, and everything in turn.

use crate::{failover, idle, pages, peers, resubscribe, spread, stored};
use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures the servers and prints tables", args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    /// Without one: all that the table in README.md is made of.
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    all: Shortened,
}

#[derive(Subcommand)]
enum What {
    /// Memory and CPU time of idle WebSocket connections, each with its user and session.
    Idle(idle::Options),
    /// What Redis sends for a live message, with eight processes and with one.
    Spread(spread::Options),
    /// How long a master that is killed, or hangs, is missed.
    Failover(failover::Options),
    /// What others notice of everybody subscribing to a node that came back.
    Resubscribe(resubscribe::Options),
    /// Messages that are kept: how many a second, how fast, and how fast a client is back.
    Stored(stored::Options),
    /// The same live loads on socketioxide and on Socket.IO's own server.
    Peers(peers::Options),
    /// The pages in Chromium: a first visit, a new message, scrolling, memory.
    Pages(pages::Options),
    /// Measures nothing: writes `imserver/hot.ld`, the functions that the linker puts beside each other.
    Hot(peers::hot::Options),
}

/// For all that is measured, where it is not the full table that is wanted.
#[derive(Args)]
struct Shortened {
    /// Runs of everything; medians are printed.
    #[arg(long, visible_alias = "runs", default_value_t = 3)]
    reps: usize,
    /// How long each load lasts.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
}

impl Options {
    /// Measures it, and prints.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Some(what) = self.what else { return self.all.run().await };
        what.measure().await
    }
}

impl Shortened {
    async fn run(&self) -> anyhow::Result<()> {
        let (reps, seconds) = (format!("--reps={}", self.reps), format!("--seconds={}", self.seconds));
        let all: [&[&str]; 6] = [
            &["spread", &reps, &seconds],
            &["failover"],
            &["resubscribe", &reps],
            &["stored", &reps, &seconds],
            &["peers", &reps, &seconds],
            &["pages", &reps],
        ];
        for words in all {
            println!("\n--- {} ---", words.join(" "));
            let options = Options::try_parse_from(std::iter::once(&"bench").chain(words))?;
            if let Some(what) = options.what {
                what.measure().await?;
            }
        }
        Ok(())
    }
}

impl What {
    async fn measure(self) -> anyhow::Result<()> {
        match self {
            Self::Idle(options) => idle::run(&options).await,
            Self::Spread(options) => spread::run(&options).await,
            Self::Failover(options) => failover::run(&options).await,
            Self::Resubscribe(options) => resubscribe::run(&options).await,
            Self::Stored(options) => stored::run(&options).await,
            Self::Peers(options) => peers::run(&options).await,
            Self::Pages(options) => pages::run(&options).await,
            Self::Hot(options) => peers::hot::run(&options).await,
        }
    }
}
