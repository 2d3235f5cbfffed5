//! Who asks, as far as the network knows: what a limit counts by. Where the proxy is believed, that is who asked the proxy.

use std::net::{IpAddr, Ipv6Addr};

use crate::config::Proxy;
use crate::server::http::Request;

/// At most so many hops are looked at.
const MOST_HOPS: usize = 32;

/// The address of whoever asks; `None`: it came by our Unix socket, from nobody who is named.
///
/// The last entry of `X-Forwarded-For` was added by the proxy that asks us; where that is another proxy of ours, the one before
/// it was added by that. Entries before the first that is no proxy's are what anybody may have written.
pub fn client(request: &Request, proxy: &Proxy) -> Option<IpAddr> {
    let mut asking = request.remote.map(|address| address.to_canonical());
    if !proxy.is_from(asking) {
        return asking;
    }
    let fields = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-for"));
    let hops: Vec<&str> = fields.flat_map(|(_, value)| value.split(',')).map(str::trim).collect();
    for hop in hops.into_iter().rev().take(MOST_HOPS) {
        // What cannot be read ends what is believed.
        let Some(address) = read(hop) else { break };
        asking = Some(address);
        if !proxy.addresses.contains(&address) {
            break;
        }
    }
    asking
}

/// An address, as proxies write it: also with a port, or in brackets.
fn read(hop: &str) -> Option<IpAddr> {
    let host = match hop.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None if hop.matches(':').count() == 1 => hop.split(':').next()?,
        None => hop,
    };
    host.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// What one customer of a provider has many of counts as one: an IPv6 network of 64 bits.
pub(super) fn network(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    })
}
