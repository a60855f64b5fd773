//! A real MariaDB, with a database for each test.

use crate::process::{Kept, free_port, scratch};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A MariaDB server on 127.0.0.1, without a password.
pub struct Mariadb {
    pub port: u16,
    dir: PathBuf,
    extra: Vec<String>,
    process: Option<Kept>,
}

/// Longer than any start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Mariadb {
    /// One that all tests of a process share: for those that do it no harm.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Mariadb> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One of its own.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With more of the server's options.
    pub fn with(extra: &[&str]) -> Self {
        let dir = scratch();
        let data = dir.join("data");
        let installed = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(format!("--datadir={}", data.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(installed.is_ok_and(|status| status.success()), "mariadb-install-db");
        let extra = extra.iter().map(|option| (*option).to_owned()).collect();
        let mut server = Self { port: free_port(), dir, extra, process: None };
        server.run();
        server
    }

    /// Starts it again with other options, and what it has kept.
    pub fn run_with(&mut self, extra: &[&str]) {
        self.extra = extra.iter().map(|option| (*option).to_owned()).collect();
        self.run();
    }

    /// Starts it again, with what it has kept.
    pub fn run(&mut self) {
        let dir = self.dir.display();
        let mut args = vec![
            "mariadbd".to_owned(),
            "--no-defaults".to_owned(),
            "--user=root".to_owned(),
            format!("--datadir={dir}/data"),
            format!("--socket={dir}/s"),
            format!("--pid-file={dir}/pid"),
            format!("--port={}", self.port),
            "--bind-address=127.0.0.1".to_owned(),
            "--skip-name-resolve".to_owned(),
            "--skip-log-bin".to_owned(),
            "--max-connections=500".to_owned(),
        ];
        args.extend(self.extra.iter().cloned());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.process = Some(Kept::start(&self.dir.join("log"), &args));
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "mariadbd does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A new database; its URL.
    pub fn database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("im{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.ask(&format!("CREATE DATABASE {name}"));
        format!("mysql://root@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs statements; what they answer, columns by tabs.
    pub fn ask(&self, sql: &str) -> String {
        self.ask_in("", sql)
    }

    /// The same in the database of a URL.
    pub fn ask_in(&self, url: &str, sql: &str) -> String {
        let database = url.rsplit_once('/').map_or("", |(_, name)| name);
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "-u", "root", "--batch", "--skip-column-names"]);
        command
            .arg("-S")
            .arg(self.dir.join("s"))
            .args(["-e", sql])
            .args(Some(database).filter(|name| !name.is_empty()));
        let output = command.stdin(Stdio::null()).output().expect("the mariadb client");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Hangs it.
    pub fn pause(&self) {
        self.process.as_ref().expect("it runs").signal("STOP");
    }

    /// Ends a [`pause`](Self::pause).
    pub fn go_on(&self) {
        self.process.as_ref().expect("it runs").signal("CONT");
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        self.process = None;
        std::fs::remove_dir_all(&self.dir).ok();
    }
}
