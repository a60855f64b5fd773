//! Processes that die with the test, their ports and folders.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A program that runs until this is dropped.
pub struct Kept {
    keeper: Child,
    pid: u32,
}

/// Starts the program with the rest of the arguments, says its pid, and ends it when standard input ends: so nothing is
/// left behind, also when the test process is killed. Output goes to a file, because a pipe would hold up whoever waits.
const KEEPER: &str =
    r#"signal=$1; log=$2; shift 2; "$@" >"$log" 2>&1 & pid=$!; echo $pid; read -r _; kill -$signal $pid; wait $pid"#;

impl Kept {
    /// `kill -9` ends it. A Ctrl-C in the terminal is not for it.
    pub fn start(log: &Path, args: &[&str]) -> Self {
        Self::until("KILL", log, args)
    }

    /// The same for a program that has children, and ends them when it is asked to end by this signal.
    pub fn until(signal: &str, log: &Path, args: &[&str]) -> Self {
        let mut keeper = Command::new("sh")
            .process_group(0)
            .args(["-c", KEEPER, "keeper", signal])
            .arg(log)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let mut pid = String::new();
        let said = keeper.stdout.take().expect("a pipe");
        BufReader::new(said).read_line(&mut pid).expect("the keeper says the pid");
        Self { keeper, pid: pid.trim().parse().expect("a pid") }
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal, such as `STOP`.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([&format!("-{signal}"), &self.pid.to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{signal} {}", self.pid);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().ok();
    }
}

/// A port that nothing listens on, that was not handed out before, and that the system gives to nobody who does not ask
/// for it by number.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// The first of so many such ports in a row.
pub fn free_ports(count: u16) -> u16 {
    const PORTS: std::ops::Range<u32> = 10_000..32_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(97);
    loop {
        let offset = begin.wrapping_add(NEXT.fetch_add(count.into(), Ordering::Relaxed)) % (PORTS.end - PORTS.start);
        let first = (PORTS.start + offset) as u16;
        if (first..first + count).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()) {
            return first;
        }
    }
}

/// A directory of its own.
pub fn scratch() -> PathBuf {
    static DIRS: AtomicU32 = AtomicU32::new(0);
    let name = format!("im-part-{}-{}", std::process::id(), DIRS.fetch_add(1, Ordering::Relaxed));
    let dir = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&dir).expect("a folder");
    dir
}
