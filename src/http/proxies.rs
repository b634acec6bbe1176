//! Whose connection a proxy carries: read from the header that it sets, and only where the proxy is one of ours.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use super::gate::Gate;
use crate::config::ForwardedHeader;

/// The client's address: the last that no trusted proxy has. What stands before it anybody can have written.
pub fn client(headers: &HeaderMap, header: ForwardedHeader, gate: &Gate, peer: IpAddr) -> IpAddr {
    let values = headers.get_all(header.name()).into_iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        if !gate.is_proxy(nearest) {
            break;
        }
        let said = match header {
            ForwardedHeader::XForwardedFor => address(hop),
            ForwardedHeader::Forwarded => forwarded_for(hop).and_then(address),
        };
        // A name that it hides behind counts as the proxy's own.
        let Some(said) = said else { break };
        nearest = said;
    }
    nearest
}

/// `for=192.0.2.60;proto=http`: the value, without its quotes.
fn forwarded_for(hop: &str) -> Option<&str> {
    let mut pairs = hop.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    Some(value.trim().trim_matches('"'))
}

/// With a port or without, IPv6 with brackets or without.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::metrics::Metrics;

    fn client_of(peer: &str, header: ForwardedHeader, values: &[&str]) -> String {
        let said = [("http.trusted_proxies".to_owned(), r#"["10.0.0.0/8", "2001:db8::/32"]"#.to_owned())];
        let layers = crate::config::Layers::new(None, &said).unwrap();
        let gate = Gate::new(&crate::config::load_without_kafka(&layers).unwrap().http, Metrics::new());
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header.name(), HeaderValue::from_str(value).unwrap());
        }
        client(&headers, header, &gate, peer.parse().unwrap()).to_string()
    }

    #[test]
    fn the_client_is_the_last_that_no_proxy_of_ours_has() {
        use ForwardedHeader::{Forwarded, XForwardedFor};
        for (peer, header, values, client) in [
            ("10.0.0.1", XForwardedFor, &["192.0.2.7"][..], "192.0.2.7"),
            ("10.0.0.1", XForwardedFor, &["203.0.113.9, 192.0.2.7, 10.1.1.1"], "192.0.2.7"),
            ("10.0.0.1", XForwardedFor, &["203.0.113.9", "192.0.2.7:4711"], "192.0.2.7"),
            ("10.0.0.1", XForwardedFor, &["[2001:db9::1]:80"], "2001:db9::1"),
            ("10.0.0.1", XForwardedFor, &["192.0.2.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", XForwardedFor, &[], "10.0.0.1"),
            ("192.0.2.1", XForwardedFor, &["203.0.113.9"], "192.0.2.1"),
            ("::ffff:10.0.0.1", XForwardedFor, &["192.0.2.7"], "192.0.2.7"),
            ("10.0.0.1", Forwarded, &["for=203.0.113.9, For=\"[2001:db9::1]:4711\";proto=https"], "2001:db9::1"),
            ("10.0.0.1", Forwarded, &["for=192.0.2.7;by=10.0.0.1"], "192.0.2.7"),
            ("10.0.0.1", Forwarded, &["for=_hidden"], "10.0.0.1"),
        ] {
            assert_eq!(client_of(peer, header, values), client, "{peer} {values:?}");
        }
    }
}
