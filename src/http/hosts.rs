//! Who is asked: the `Host` of a request. A page elsewhere that makes a browser ask a name of its
//! own, which it lets point to loopback, is told apart by that name.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

/// The names by which the page, the API and the admin routes may be asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    /// These names, besides literal loopback.
    pub(super) fn new(allowed: &[String]) -> Self {
        Self(allowed.iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// Whether a request asks for us, by each of the names that it gives: there is exactly one
    /// `Host`, and where the request line names one too, it is right as well.
    pub(super) fn admit(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let named = uri.authority().is_none_or(|authority| self.allows(authority));
        named && host(headers).is_some_and(|authority| self.allows(&authority))
    }

    /// Whether a request comes from a page of ours, or from no page at all.
    pub(super) fn is_own_origin(headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return true };
        let (Ok(origin), Some(host)) = (origin.to_str(), host(headers)) else { return false };
        let origin = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let same = origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host.as_str()));
        same && origins.next().is_none()
    }

    fn allows(&self, authority: &Authority) -> bool {
        // User info would be a name that only looks like one of ours.
        if authority.as_str().contains('@') {
            return false;
        }
        let host = authority.host();
        is_loopback(host) || self.0.iter().any(|name| host.eq_ignore_ascii_case(name))
    }
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none())?;
    host.to_str().ok()?.parse().ok()
}

/// A literal address of loopback, or the one name that browsers never ask a server about.
fn is_loopback(host: &str) -> bool {
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = match inner {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    };
    address.is_some_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn admits(allowed: &[&str], host: &str) -> bool {
        let allowed: Vec<_> = allowed.iter().map(|&name| name.to_owned()).collect();
        Hosts::new(&allowed).admit(&Uri::from_static("/"), &headers(&[(header::HOST, host)]))
    }

    #[test]
    fn literal_loopback_and_named_hosts_are_ours() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9847",
            "127.8.9.1:1",
            "[::1]",
            "[::1]:9847",
            "[::ffff:127.0.0.1]:9847",
            "localhost",
            "LocalHost:9847",
        ] {
            assert!(admits(&[], host), "{host}");
        }
        assert!(admits(&["restock.example.com"], "Restock.Example.com:9847"));
        assert!(admits(&["10.0.0.5"], "10.0.0.5:9847"));
    }

    #[test]
    fn what_only_looks_like_loopback_is_not_ours() {
        for host in [
            "127.evil.com",
            "127.0.0.1.evil.com",
            "localhost.evil.com",
            "evil.com",
            "127.0.0.1@evil.com",
            "evil.com@127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0.0.0.0",
            "[::]",
            "10.0.0.5",
            "restock.example.com.",
            "",
            ":9847",
        ] {
            assert!(!admits(&["restock.example.com"], host), "{host}");
        }
    }

    #[test]
    fn every_name_of_a_request_has_to_be_ours() {
        let hosts = Hosts::default();
        let own = headers(&[(header::HOST, "127.0.0.1")]);
        assert!(hosts.admit(&Uri::from_static("http://127.0.0.1/"), &own));
        assert!(!hosts.admit(&Uri::from_static("http://evil.com/"), &own));
        assert!(!hosts.admit(&Uri::from_static("/"), &HeaderMap::new()));
        let mut two = own;
        two.append(header::HOST, "evil.com".parse().unwrap());
        assert!(!hosts.admit(&Uri::from_static("/"), &two));
    }

    #[test]
    fn a_foreign_origin_is_told_from_our_own() {
        let from = |origin: &str| {
            let own = [(header::HOST, "127.0.0.1:9847"), (header::ORIGIN, origin)];
            Hosts::is_own_origin(&headers(&own))
        };
        assert!(from("http://127.0.0.1:9847"));
        assert!(from("https://127.0.0.1:9847"));
        for origin in ["null", "http://evil.com", "http://127.0.0.1", "http://127.0.0.1:98470", ""]
        {
            assert!(!from(origin), "{origin}");
        }
        assert!(Hosts::is_own_origin(&headers(&[(header::HOST, "127.0.0.1:9847")])));
    }
}
