//! A real redis-server.

use crate::process::{Kept, free_port, scratch};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A redis-server without a disk, on 127.0.0.1.
pub struct Redis {
    pub port: u16,
    extra: Vec<String>,
    dir: PathBuf,
    process: Option<Kept>,
}

/// Longer than any start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

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
        let mut server = Self { port, extra, dir: scratch(), process: None };
        server.run();
        server
    }

    /// Starts it again with other options, and an empty memory.
    pub fn run_with(&mut self, extra: &[&str]) {
        self.extra = extra.iter().map(|option| (*option).to_owned()).collect();
        self.run();
    }

    /// Starts it again, with an empty memory.
    pub fn run(&mut self) {
        let port = self.port.to_string();
        let dir = self.dir.to_string_lossy().into_owned();
        let mut args = vec!["redis-server", "--port", &port, "--dir", &dir, "--bind", "127.0.0.1"];
        args.extend(["--save", "", "--appendonly", "no"]);
        args.extend(self.extra.iter().map(String::as_str));
        self.process = Some(Kept::start(&self.dir.join("log"), &args));
        let begun = Instant::now();
        while ask(self.port, &["PING"]).as_deref() != Some("PONG") {
            assert!(begun.elapsed() < PATIENCE, "redis-server does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Hangs it, as a stopped virtual machine or a disk that does not answer would.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Ends a [`pause`](Self::pause).
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        self.process.as_ref().expect("it runs").signal(signal);
    }

    /// One command, its answer as text: a list's parts are on lines, nothing is empty.
    pub fn ask(&self, command: &[&str]) -> String {
        ask(self.port, command).unwrap_or_else(|| panic!("no answer to {command:?}: {}", self.log()))
    }

    /// For what [`Redis::ask`] is too slow for.
    pub fn connection(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("it listens")
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.dir).ok();
    }
}

/// One command on a connection of its own; nothing if that fails.
pub fn ask(port: u16, command: &[&str]) -> Option<String> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    connection.set_read_timeout(Some(PATIENCE)).ok()?;
    connection.write_all(&encode(command)).ok()?;
    read_answer(&mut BufReader::new(connection))
}

/// The next command that somebody sends.
pub fn read_command(reader: &mut impl BufRead) -> Option<Vec<String>> {
    Some(read_answer(reader)?.lines().map(str::to_owned).collect())
}

/// A command as Redis reads it.
pub fn encode(command: &[&str]) -> Vec<u8> {
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
