//! Logs and metrics of a process.

use crate::config::{Log, LogFormat};
use crate::metrics::Process;
use anyhow::{Context, anyhow};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::sync::Arc;

/// Upper bounds of the buckets of every histogram of seconds: from what a local delivery takes to what makes a
/// person give up.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Upper bounds of the buckets of every histogram of bytes.
const BYTES: [f64; 6] = [64.0, 256.0, 1_024.0, 4_096.0, 65_536.0, 1_048_576.0];

/// Starts the log, on standard error. Standard output belongs to the lines that say where the process listens.
///
/// # Errors
/// `log.level` is not a filter, or a log was started before.
pub fn init(log: &Log) -> anyhow::Result<()> {
    let lines = tracing_subscriber::fmt().with_env_filter(log.filter()?).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow!("the log cannot be started: {error}"))
}

/// The metrics of a process, as text for Prometheus.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    process: Arc<Process>,
}

impl Metrics {
    /// Makes the recorder of the process; what was counted before is lost. `version` is that of the binary.
    ///
    /// # Errors
    /// There is a recorder already.
    pub fn install(binary: &'static str, version: &'static str) -> anyhow::Result<Self> {
        let (recorder, metrics) = Self::build(binary, version)?;
        metrics::set_global_recorder(recorder).map_err(|_| anyhow!("this process has a metrics recorder already"))?;
        Ok(metrics)
    }

    /// What Prometheus reads: version 0.0.4 of its text format. Reads the figures of the process anew.
    pub fn render(&self) -> String {
        self.process.refresh();
        self.upkeep();
        self.handle.render()
    }

    /// Takes in what histograms have collected; without it they grow while nobody asks for [`render`](Self::render).
    /// The admin listener calls it every few seconds.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    pub(crate) fn build(binary: &'static str, version: &'static str) -> anyhow::Result<(PrometheusRecorder, Self)> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_bytes".into()), &BYTES))
            .context("buckets of histograms")?
            .build_recorder();
        let handle = recorder.handle();
        let process = metrics::with_local_recorder(&recorder, || Process::new(binary, version));
        Ok((recorder, Self { handle, process: Arc::new(process) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, name: &str) -> f64 {
        let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])));
        line.unwrap_or_else(|| panic!("{name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
    }

    #[test]
    fn the_process_measures_itself_at_each_reading() {
        let (_recorder, metrics) = Metrics::build("imserver", "1.2.3").unwrap();
        let first = metrics.render();
        assert!(first.contains("im_build_info{binary=\"imserver\",version=\"1.2.3\"} 1"), "{first}");
        assert!(value(&first, "im_process_resident_bytes") > 1_000_000.0);
        assert!(value(&first, "im_process_cpu_seconds") >= 0.0);
        let files: Vec<_> = (0..50).map(|_| std::fs::File::open("/proc/self/stat").unwrap()).collect();
        let second = metrics.render();
        assert!(value(&second, "im_process_open_files") >= files.len() as f64);
    }

    #[test]
    fn seconds_come_in_buckets() {
        let (recorder, metrics) = Metrics::build("imserver", "1").unwrap();
        metrics::with_local_recorder(&recorder, || metrics::histogram!("im_test_seconds").record(0.02));
        let text = metrics.render();
        assert!(text.contains("im_test_seconds_bucket{le=\"0.01\"} 0"), "{text}");
        assert!(text.contains("im_test_seconds_bucket{le=\"0.025\"} 1"), "{text}");
    }

    #[test]
    fn a_level_that_is_no_filter_is_refused_with_an_example() {
        let log = Log { level: "info,=,".into(), format: LogFormat::Text };
        assert!(init(&log).unwrap_err().to_string().contains("such as info"));
    }
}
