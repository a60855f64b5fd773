//! Real redis-servers on free ports. Each dies with its handle, and with the test process, however that ends.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A redis-server without a disk, on 127.0.0.1.
pub struct Redis {
    pub port: u16,
    extra: Vec<String>,
    dir: PathBuf,
    keeper: Option<Child>,
    pid: u32,
}

/// Starts the program with the rest of the arguments, says its pid, and kills it when standard input ends: so nothing is
/// left behind, also when the test process is killed. Output goes to a file, because a pipe would hold up whoever waits.
const KEEPER: &str = r#"log=$1; shift; "$@" >"$log" 2>&1 & pid=$!; echo $pid; read -r _; kill -9 $pid; wait $pid"#;

/// Longer than any start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

static DIRS: AtomicU32 = AtomicU32::new(0);

impl Redis {
    /// On a free port.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With more of redis-server's options.
    pub fn with(extra: &[&str]) -> Self {
        Self::on(free_port(), extra)
    }

    /// On this port.
    pub fn on(port: u16, extra: &[&str]) -> Self {
        let extra = extra.iter().map(|option| (*option).to_owned()).collect();
        let mut server = Self { port, extra, dir: scratch(), keeper: None, pid: 0 };
        server.run();
        server
    }

    /// Starts it again, with an empty memory.
    pub fn run(&mut self) {
        let port = self.port.to_string();
        let dir = self.dir.to_string_lossy().into_owned();
        let mut args = vec!["redis-server", "--port", &port, "--dir", &dir, "--bind", "127.0.0.1"];
        args.extend(["--save", "", "--appendonly", "no"]);
        args.extend(self.extra.iter().map(String::as_str));
        let (keeper, pid) = keep(&self.dir.join("log"), &args);
        (self.keeper, self.pid) = (Some(keeper), pid);
        let begun = Instant::now();
        while ask(self.port, &["PING"]).as_deref() != Some("PONG") {
            assert!(begun.elapsed() < PATIENCE, "redis-server does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            keeper.wait().expect("the keeper ends");
        }
    }

    /// Hangs it, as a stopped virtual machine or a disk that does not answer would.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Ends a [`pause`](Self::pause).
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    /// One command, its answer as text: a list's parts are on lines, nothing is empty.
    pub fn ask(&self, command: &[&str]) -> String {
        ask(self.port, command).unwrap_or_else(|| panic!("no answer to {command:?}: {}", self.log()))
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([&format!("-{signal}"), &self.pid.to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{signal}");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.dir).ok();
    }
}

/// Starts a program that dies with the test process; its pid.
pub fn keep(log: &std::path::Path, args: &[&str]) -> (Child, u32) {
    let mut keeper = Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .arg(log)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh starts");
    let mut pid = String::new();
    BufReader::new(keeper.stdout.take().expect("a pipe")).read_line(&mut pid).expect("the keeper says the pid");
    (keeper, pid.trim().parse().expect("a pid"))
}

/// A port that nothing listens on, and that was not handed out before.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound listener").port()
}

/// A directory of its own.
pub fn scratch() -> PathBuf {
    let name = format!("im-redis-{}-{}", std::process::id(), DIRS.fetch_add(1, Ordering::Relaxed));
    let dir = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&dir).expect("a folder");
    dir
}

/// One command on a connection of its own; nothing if that fails.
pub fn ask(port: u16, command: &[&str]) -> Option<String> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    connection.set_read_timeout(Some(PATIENCE)).ok()?;
    connection.write_all(&encode(command)).ok()?;
    read_answer(&mut BufReader::new(connection))
}

/// A command as Redis reads it.
fn encode(command: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for part in command {
        bytes.extend_from_slice(format!("${}\r\n{part}\r\n", part.len()).as_bytes());
    }
    bytes
}

fn read_answer(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let (kind, rest) = line.trim_end().split_at_checked(1)?;
    match kind {
        "$" => {
            let Ok(length) = rest.parse::<usize>() else { return Some(String::new()) };
            let mut bytes = vec![0; length + 2];
            reader.read_exact(&mut bytes).ok()?;
            String::from_utf8(bytes[..length].to_vec()).ok()
        }
        "*" => {
            let parts: Option<Vec<_>> = (0..rest.parse().unwrap_or(0)).map(|_| read_answer(reader)).collect();
            Some(parts?.join("\n"))
        }
        _ => Some(rest.to_owned()),
    }
}
