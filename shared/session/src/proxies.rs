//! Whose word about a client's address is believed: that of the configured reverse proxies, and nobody else's.
//!
//! ```text
//! client ─► proxy (adds the address it sees to X-Forwarded-For) ─► proxy ─► here
//!           198.51.100.7, 203.0.113.9, 10.0.0.2       the list is read from its end
//! ```
//!
//! Each proxy appends whom it was called by, so what stands at the end of the list is true as long as proxies of ours
//! wrote it; what stands before the first stranger may be made up.

use http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The reverse proxies that are believed. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Arc<[IpNet]>);

/// What is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address such as 10.0.0.7 nor a network such as 10.0.0.0/8")]
pub struct NoNetwork(String);

impl Proxies {
    /// Reads addresses and networks.
    ///
    /// # Errors
    /// The first text that is neither.
    pub fn parse(texts: &[String]) -> Result<Self, NoNetwork> {
        let network = |text: &String| {
            let text = text.trim();
            let address = text.parse::<IpAddr>().map(IpNet::from);
            address.or_else(|_| text.parse()).map_err(|_| NoNetwork(text.to_owned()))
        };
        texts.iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this is one of them.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request that `peer` sent: the last address in `X-Forwarded-For` that is none of these proxies,
    /// or the first if all of them are. `peer` itself, if it is not trusted, sent no such header, or one that cannot be
    /// read as far as it counts. The port of another than `peer` is not known, and 0.
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.trusts(peer.ip()) {
            return peer;
        }
        let mut client = None;
        for line in headers.get_all("x-forwarded-for").iter().rev() {
            let Ok(line) = line.to_str() else { return peer };
            for said in line.rsplit(',') {
                let Some(address) = address(said) else { return peer };
                client = Some(address);
                if !self.trusts(address) {
                    return SocketAddr::new(address, 0);
                }
            }
        }
        client.map_or(peer, |address| SocketAddr::new(address, 0))
    }
}

/// `198.51.100.7`, `2001:db8::7`; some proxies write a port behind: `198.51.100.7:4711`, `[2001:db8::7]:4711`.
fn address(said: &str) -> Option<IpAddr> {
    let said = said.trim();
    let bare = said.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(said);
    let address = bare.parse().or_else(|_| said.parse::<SocketAddr>().map(|address| address.ip()));
    Some(address.ok()?.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(texts: &[&str]) -> Result<Proxies, NoNetwork> {
        Proxies::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    /// The client's address, where 10.0.0.0/8 and 2001:db8:1::1 are proxies.
    fn client(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let proxies = proxies(&["10.0.0.0/8", "2001:db8:1::1"]).unwrap();
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn who_is_not_trusted_says_nothing_about_addresses() {
        assert_eq!(client("203.0.113.9:80", &["198.51.100.7"]), "203.0.113.9:80");
        let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), "198.51.100.7".parse().unwrap())]);
        let peer = "127.0.0.1:80".parse().unwrap();
        assert_eq!(Proxies::default().client(peer, &headers), peer, "by default nobody is trusted");
    }

    #[test]
    fn the_client_is_the_last_stranger_in_the_list() {
        assert_eq!(client("10.0.0.1:80", &["198.51.100.7"]), "198.51.100.7:0");
        assert_eq!(client("10.0.0.1:80", &["192.0.2.1, 198.51.100.7, 10.0.0.2"]), "198.51.100.7:0");
        assert_eq!(client("10.0.0.1:80", &["192.0.2.1", "198.51.100.7,10.9.9.9"]), "198.51.100.7:0", "two lines");
        assert_eq!(client("10.0.0.1:80", &["127.0.0.1, 198.51.100.7"]), "198.51.100.7:0", "made up by the client");
        assert_eq!(client("[2001:db8:1::1]:80", &["2001:db8::7"]), "[2001:db8::7]:0");
        assert_eq!(client("10.0.0.1:80", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3:0", "a client among the proxies");
        assert_eq!(client("[::ffff:10.0.0.1]:80", &["::ffff:198.51.100.7"]), "198.51.100.7:0");
    }

    #[test]
    fn a_port_behind_the_address_is_read_over() {
        assert_eq!(client("10.0.0.1:80", &["198.51.100.7:4711"]), "198.51.100.7:0");
        assert_eq!(client("10.0.0.1:80", &["[2001:db8::7]:4711"]), "[2001:db8::7]:0");
        assert_eq!(client("10.0.0.1:80", &["[2001:db8::7]"]), "[2001:db8::7]:0");
    }

    #[test]
    fn what_cannot_be_read_leaves_the_peer() {
        for line in
            ["", "unknown", "198.51.100.7, ", "198.51.100.7 10.0.0.2", "1.2.3", "300.1.1.1", "_hidden, 10.0.0.2"]
        {
            assert_eq!(client("10.0.0.1:80", &[line]), "10.0.0.1:80", "{line:?}");
        }
        assert_eq!(client("10.0.0.1:80", &[]), "10.0.0.1:80");
        assert_eq!(client("10.0.0.1:80", &["nonsense, 198.51.100.7"]), "198.51.100.7:0", "what does not count");
    }

    #[test]
    fn what_is_no_network_is_named() {
        assert_eq!(proxies(&["10.0.0.1", "proxy.example"]).unwrap_err(), NoNetwork("proxy.example".into()));
        assert!(proxies(&["10.0.0.0/33"]).is_err());
        assert!(proxies(&["::1", " fd00::/8 "]).is_ok());
    }
}
