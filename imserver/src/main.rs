//! The life of an imserver process: arguments, configuration, signals, serve.

use clap::Parser;
use imserver::{Config, DEFAULT, Parts};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The site IM: Socket.IO for pages, and their HTTP API.
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
    let config: Config = args.load(DEFAULT)?;
    config.validate()?;
    if args.check_config {
        println!("the configuration is good");
        return Ok(());
    }
    node::telemetry::init(&config.log)?;
    let metrics = node::Metrics::install("imserver", env!("CARGO_PKG_VERSION"))?;
    let shutdown = node::Shutdown::new(config.server.drain_deadline());
    let signals = node::Signals::install()?;
    let watch = tokio::spawn(shutdown.clone().watch(signals));
    let parts = Parts {
        exchange: bus::local::Exchange::new(),
        metrics,
        health: node::Health::default(),
        on_listening: Box::new(|_| {}),
    };
    let outcome = imserver::run(config, parts, shutdown.clone()).await;
    shutdown.finish();
    watch.await?;
    outcome
}
