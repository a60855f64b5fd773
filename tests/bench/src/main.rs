//! Measures the servers and prints a table. Nothing is asserted: figures are for people to compare, by ratio and over
//! several runs.
//!
//! `cargo x bench idle`: what an idle connection costs.

mod client;
mod idle;
mod process;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures the servers and prints a table")]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Memory and CPU time of idle WebSocket connections, each with its user and session.
    Idle(idle::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Options::parse().what {
        What::Idle(options) => idle::run(&options).await,
    }
}
