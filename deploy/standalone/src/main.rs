//! Everything in one process on an embedded bus, for a first look and for small sites: `cargo run --release`.

mod config;
mod welcome;

use clap::Parser;
use imserver::Parts;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The whole cluster in one process: the site IM on 7001, the back ends' door on 7005, admin on 7006.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    node: node::Args,
}

fn main() -> ExitCode {
    let args = Cli::parse().node;
    node::args::exit_code(
        node::runtime(imserver::before_sleep).map_err(Into::into).and_then(|runtime| runtime.block_on(start(args))),
    )
}

async fn start(args: node::Args) -> anyhow::Result<()> {
    let config = config::load(&args)?.imserver;
    config.validate()?;
    if args.check_config {
        println!("the configuration is good");
        return Ok(());
    }
    node::telemetry::init(&config.log)?;
    let metrics = node::Metrics::install("standalone", env!("CARGO_PKG_VERSION"))?;
    let shutdown = node::Shutdown::new(config.server.drain_deadline());
    let signals = node::Signals::install()?;
    let watch = tokio::spawn(shutdown.clone().watch(signals));
    let is_dev = config.auth.is_dev();
    let parts = Parts {
        exchange: bus::local::Exchange::new(),
        metrics,
        health: node::Health::default(),
        on_listening: Box::new(move |address| welcome::print(address, is_dev)),
    };
    let outcome = imserver::run(config, parts, shutdown.clone()).await;
    shutdown.finish();
    watch.await?;
    outcome
}
