//! A real server process: started on free ports, found by what it prints, ended with the test.

use crate::http;
use crate::{PATIENCE, eventually};
use anyhow::{Context, anyhow, bail, ensure};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The flags of every server that name a listener.
const LISTENERS: [&str; 3] = ["--listen", "--admin-listen", "--internal-listen"];

/// A running server. Dropping it kills it; its files go too, unless the test is failing.
pub struct Server {
    child: Child,
    name: String,
    folder: PathBuf,
    address: SocketAddr,
}

impl Server {
    /// Starts a binary of this workspace (`imserver`, `examples/protocol_echo`) and waits until it says where it
    /// listens. Where `args` do not say otherwise, a server's listeners take free loopback ports (an example's do
    /// what the example does); what the environment of the test says about its configuration is not passed on.
    ///
    /// Its working folder is a fresh one, so that files with relative names land there. Its output goes to files: a
    /// pipe that a child of it inherited would hang the test.
    ///
    /// # Errors
    /// It is not built, it ended, or it said nothing in time; with its log.
    pub async fn start(binary: &str, args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let folder = fresh_folder()?;
        let mut command = command(binary)?;
        if !binary.starts_with("examples/") {
            let free = LISTENERS.iter().filter(|flag| !args.contains(flag));
            command.args(free.flat_map(|flag| [*flag, "127.0.0.1:0"]));
        }
        let child = command
            .args(args)
            .envs(env.iter().copied())
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("stdout"))?)
            .stderr(File::create(folder.join("stderr"))?)
            .spawn()
            .with_context(|| format!("starting {binary}"))?;
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self { child, name: binary.to_owned(), folder, address: unknown };
        server.address = server.wait_for_line("listening").await?;
        Ok(server)
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where another listener is, by the name it is announced with: `admin`, `internal`.
    ///
    /// # Panics
    /// It was not announced in time.
    pub async fn listener(&self, name: &str) -> SocketAddr {
        let output = self.folder.join("stdout");
        eventually(name, async || announced(&fs::read_to_string(&output)?, name)).await
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap_or_default()
    }

    /// Asks it to end in order.
    ///
    /// # Errors
    /// The signal could not be sent.
    pub fn sigterm(&self) -> anyhow::Result<()> {
        self.signal("TERM")
    }

    /// Holds it up (SIGSTOP), until [`resume`](Self::resume).
    ///
    /// # Errors
    /// The signal could not be sent.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal("STOP")
    }

    /// # Errors
    /// The signal could not be sent.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal("CONT")
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// It did not in time.
    pub async fn wait_exit(&mut self) -> ExitStatus {
        let what = format!("{} ends", self.name);
        let ended = async || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            other => Err(format!("{other:?}")),
        };
        eventually(&what, ended).await
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// The kernel does not know it.
    pub fn is_running(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Its resident memory in KiB.
    ///
    /// # Errors
    /// It has ended.
    pub fn rss_kb(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("it has ended")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }

    /// How many files and sockets it has open.
    ///
    /// # Errors
    /// It has ended.
    pub fn open_files(&self) -> anyhow::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.pid()))?.count())
    }

    /// What `/metrics` on the admin listener says.
    ///
    /// # Errors
    /// It has no admin listener, or it does not answer.
    pub async fn metrics(&self) -> anyhow::Result<String> {
        let answer = http::get(self.listener("admin").await, "/metrics").await?;
        ensure!(answer.status == 200, "/metrics answered {}", answer.status);
        Ok(answer.text())
    }

    /// One value of [`metrics`](Self::metrics), by its name with all its labels as printed:
    /// `im_connections_open{tier="imserver"}`.
    ///
    /// # Errors
    /// There is no such line.
    pub async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = self.metrics().await?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.with_context(|| format!("no {name} among\n{text}"))?.parse()?)
    }

    fn signal(&self, signal: &str) -> anyhow::Result<()> {
        // The shell's own `kill`: a system call needs either a dependency or unsafe code.
        let status = Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.pid())]).status()?;
        ensure!(status.success(), "sending SIG{signal} to {}: {status}", self.pid());
        Ok(())
    }

    async fn wait_for_line(&mut self, name: &str) -> anyhow::Result<SocketAddr> {
        let stdout = self.folder.join("stdout");
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            // Whether it has ended is asked first: what it printed before is then complete.
            let ended = self.child.try_wait()?;
            if let Ok(address) = announced(&fs::read_to_string(&stdout)?, name) {
                return Ok(address);
            }
            if let Some(status) = ended {
                bail!("{} ended with {status}:\n{}", self.name, self.log());
            }
            if tokio::time::Instant::now() >= end {
                bail!("{} did not say within {PATIENCE:?} where it listens:\n{}", self.name, self.log());
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; either way it is reaped.
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- {} (all of it in {})\n{}", self.name, self.folder.display(), tail(&self.log()));
        } else {
            fs::remove_dir_all(&self.folder).ok();
        }
    }
}

/// The path of a binary of this workspace, built in the same way as the test that asks.
///
/// # Errors
/// It is not there.
pub fn built(binary: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let profile =
        own.ancestors().find(|folder| folder.join("deps").is_dir()).context("a test runs from cargo's folder")?;
    let path = profile.join(binary);
    ensure!(path.is_file(), "{} is not built: run `cargo build --workspace --all-targets` first", path.display());
    Ok(path)
}

/// A folder that nobody else uses.
///
/// # Errors
/// It cannot be made.
pub fn fresh_folder() -> anyhow::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("im-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

/// Runs a binary that ends by itself, such as with `--check-config`; its status, standard output and standard error.
///
/// # Errors
/// It is not built or cannot be started.
pub fn run(binary: &str, args: &[&str], folder: &Path) -> anyhow::Result<(ExitStatus, String, String)> {
    let output = command(binary)?.args(args).current_dir(folder).stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status, text(&output.stdout), text(&output.stderr)))
}

/// A binary of this workspace, without what the environment says about its configuration.
fn command(binary: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(built(binary)?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("IM__")) {
        command.env_remove(name);
    }
    Ok(command)
}

/// The address in the whole line `NAME http://ADDR`.
fn announced(output: &str, name: &str) -> anyhow::Result<SocketAddr> {
    let whole = output.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let address = whole.filter_map(|line| line.strip_prefix(name)?.strip_prefix(" http://")).next();
    address.ok_or_else(|| anyhow!("no line {name:?} yet"))?.trim_end_matches('/').parse().context("an address")
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(40);
    lines.get(from..).unwrap_or_default().join("\n")
}
