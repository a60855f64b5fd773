//! The cluster that `cargo x cluster` starts for people.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, ExitStatus, Stdio};
use tests::process::free_ports;
use tests::server::{built, fresh_folder};
use tests::{eventually, http};

/// From the first port to the last Sentinel's.
const PORTS: u16 = 123;

/// It dies with the test, and so does all that it started.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn it_starts_says_where_it_is_and_leaves_nothing_behind() {
    let (folder, first) = (fresh_folder().unwrap(), free_ports(PORTS));
    let output = folder.join("stdout");
    let mut command = Command::new(built("cluster").unwrap());
    command.args(["2", &first.to_string()]).stdin(Stdio::null()).stdout(File::create(&output).unwrap());
    let mut cluster = Running(command.spawn().unwrap());
    let said = async || match std::fs::read_to_string(&output).unwrap() {
        text if text.contains("Ctrl-C stops everything.") => Ok(text),
        text => Err(text),
    };
    let text = eventually("it says where it is", said).await;

    let addresses: Vec<SocketAddr> = text
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("http://")?.split('/').next()?.parse().ok())
        .collect();
    assert_eq!(addresses.len(), 5, "nginx, and pages and admin of each process: {text}");
    for address in &addresses {
        let path = if text.contains(&format!("http://{address}/readyz")) { "/readyz" } else { "/" };
        assert_eq!(http::get(*address, path).await.unwrap().status, 200, "{address}{path}");
    }

    let pid = cluster.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = async || cluster.0.try_wait().unwrap().ok_or("it still runs");
    let status: ExitStatus = eventually("it ends", ended).await;
    assert!(status.success(), "{status}");
    for port in first..first + PORTS {
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok(), "something still listens on {port}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
