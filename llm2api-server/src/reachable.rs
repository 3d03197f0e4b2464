//! From the address that is listened on to one that can be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Everybody's address is nobody's: a client on this machine needs one it can call.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}
