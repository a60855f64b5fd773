//! Measures the servers and prints tables. Nothing is asserted: figures are for people to compare, by ratio and over
//! several runs.
//!
//! Run as `cargo x bench [WHAT]`; what there is stands in [`what`].

mod client;
mod failover;
mod figures;
mod idle;
mod line;
mod pages;
mod peers;
mod process;
mod resubscribe;
mod spread;
mod stored;
mod token;
mod what;

use clap::Parser;
use figures::{UNLIMITED, median};
use what::Options;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    Options::parse().run().await
}
