//! The metrics of a process. The only place of this crate where their names stand.

use metrics::{Gauge, gauge};
use std::fs;

/// What the kernel says of this process.
pub(crate) struct Process {
    resident: Gauge,
    cpu: Gauge,
    files: Gauge,
}

/// Linux tells times of a process in these, whatever the kernel's own tick: USER_HZ of its ABI.
const TICKS_PER_SECOND: f64 = 100.0;

impl Process {
    pub(crate) fn new(binary: &'static str, version: &'static str) -> Self {
        gauge!("im_build_info", "binary" => binary, "version" => version).set(1.0);
        Self {
            resident: gauge!("im_process_resident_bytes"),
            cpu: gauge!("im_process_cpu_seconds"),
            files: gauge!("im_process_open_files"),
        }
    }

    /// Reads the figures anew; one that cannot be read keeps its last value.
    pub(crate) fn refresh(&self) {
        if let Some(bytes) = resident_bytes() {
            self.resident.set(bytes);
        }
        if let Some(seconds) = cpu_seconds() {
            self.cpu.set(seconds);
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            self.files.set(open.count() as f64);
        }
    }
}

/// 1 while the named part (the store, a Redis node) is out of order.
pub(crate) fn degraded(part: &str, is: bool) {
    gauge!("im_degraded", "part" => part.to_owned()).set(if is { 1.0 } else { 0.0 });
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

/// User and system time: fields 14 and 15 of proc(5)'s `stat`, counted behind the command in its parentheses.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}
