//! Chaos: a whole site, people who talk, and faults drawn from a seed. In the end a checker that knows only what was
//! recorded judges whether anything was lost, doubled, invented or out of order.
//!
//! `cargo x chaos` runs a fixed list of seeds, `cargo x chaos --minutes 30 --seed 7` goes on for as long as told, and
//! `cargo x chaos check FILE` judges a history again.
//!
//! ```text
//!   schedule ─► harm ─► site ◄─ people, device ─► screen
//!                 └──────► world (history) ◄────────┘
//!                             └─► check
//! ```

mod archive;
mod chance;
mod check;
mod device;
mod harm;
mod imserver;
mod people;
mod record;
mod round;
mod run;
mod schedule;
mod screen;
mod site;
mod world;

use anyhow::bail;
use clap::Parser;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    // The site goes with what is dropped here.
    let outcome = tokio::select! {
        outcome = run::Options::parse().carry_out() => outcome,
        asked = asked_to_end() => asked.and_then(|()| bail!("it was stopped")),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

/// Ctrl-C, or SIGTERM.
async fn asked_to_end() -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}
