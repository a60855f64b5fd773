//! A real nginx with the files of deploy/nginx as they are, but for the addresses.

use crate::process::{Kept, scratch};
use anyhow::{Context, ensure};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// nginx before some imservers. It dies with its handle.
pub struct Nginx {
    pub port: u16,
    dir: PathBuf,
    process: Option<Kept>,
}

/// Whether nginx says whom a request was forwarded for. Without, a server in development mode takes it for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarded {
    Said,
    Unsaid,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Nginx {
    /// `form` is the name of a file of deploy/nginx, without its ending.
    ///
    /// # Errors
    /// The file has another shape than this knows, or nginx does not start; with its log.
    pub async fn start(form: &str, port: u16, to: &[SocketAddr], forwarded: Forwarded) -> anyhow::Result<Self> {
        let dir = scratch();
        let config = dir.join("nginx.conf");
        std::fs::write(&config, readdressed(form, port, &dir, to, forwarded)?)?;
        let (dir_name, config) = (dir.to_string_lossy().into_owned(), config.to_string_lossy().into_owned());
        let globals = format!("daemon off; pid {dir_name}/pid;");
        let errors = format!("{dir_name}/error.log");
        let args = ["nginx", "-e", &errors, "-p", &dir_name, "-c", &config, "-g", &globals];
        let process = Some(Kept::until("TERM", &dir.join("log"), &args));
        let nginx = Self { port, dir, process };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(begun.elapsed() < PATIENCE, "nginx does not start on {port}: {}", nginx.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(nginx)
    }

    fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.dir.join(name)).unwrap_or_default();
        read("log") + &read("error.log")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.process = None;
        std::fs::remove_dir_all(&self.dir).ok();
    }
}

fn readdressed(form: &str, port: u16, dir: &Path, to: &[SocketAddr], said: Forwarded) -> anyhow::Result<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../deploy/nginx/{form}.conf"));
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let mut lines: Vec<String> = Vec::new();
    let mut servers = to.iter().map(|address| format!("        server {address};"));
    for line in text.lines() {
        match line.trim() {
            "listen 80;" => lines.push(format!("        listen 127.0.0.1:{port};")),
            server if server.starts_with("server 10.") => lines.extend(servers.by_ref()),
            header if header.contains("X-Forwarded-For") && said == Forwarded::Unsaid => {}
            "http {" => {
                lines.push("http {\n    access_log off;".to_owned());
                for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
                    lines.push(format!("    {kind}_temp_path {}/{kind};", dir.display()));
                }
            }
            _ => lines.push(line.to_owned()),
        }
    }
    ensure!(servers.next().is_none(), "{} names no servers", file.display());
    Ok(lines.join("\n"))
}
