//! Opening a listener, and saying where it is.

use anyhow::anyhow;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted: a burst of clients that come back at once. The kernel lowers it to
/// `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// Opens a listener; port 0 takes a free one. `flag` is what would choose another address, such as `--listen`.
///
/// # Errors
/// A sentence that says what to do.
pub fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    open(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("{address} is in use: another process listens there; end it, or choose another address with {flag}")
        }
        ErrorKind::AddrNotAvailable => {
            anyhow!("{address} is no address of this machine; choose one of its own with {flag}")
        }
        ErrorKind::PermissionDenied => {
            anyhow!("{address} may not be listened on: ports below 1024 need a privilege; choose another with {flag}")
        }
        _ => anyhow!("{address} cannot be listened on: {error}; choose another address with {flag}"),
    })
}

/// Writes `NAME http://ADDR` as one line to standard output. Whoever starts a server waits for the line of its main
/// listener, which is named `listening` and comes first.
pub fn announce(name: &str, address: SocketAddr) {
    let mut out = io::stdout().lock();
    // Nobody reads a closed standard output: no reason to stop serving.
    writeln!(out, "{name} http://{address}").and_then(|()| out.flush()).ok();
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted server takes its port although connections of its predecessor linger.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_in_use_is_named_with_the_flag_that_helps() {
        let first = bind("127.0.0.1:0".parse().unwrap(), "--listen").unwrap();
        let address = first.local_addr().unwrap();
        let error = bind(address, "--admin-listen").unwrap_err().to_string();
        assert!(error.starts_with(&format!("{address} is in use")), "{error}");
        assert!(error.ends_with("--admin-listen"), "{error}");
    }

    #[tokio::test]
    async fn a_foreign_address_is_told_apart() {
        let error = bind("192.0.2.1:0".parse().unwrap(), "--listen").unwrap_err().to_string();
        assert!(error.contains("no address of this machine"), "{error}");
    }
}
