//! [`HostName`]: a host as a configuration names it, with a port or without.

use std::net::Ipv6Addr;

use url::{Host, Url};

/// A host, and the port that is meant where one is named. Spelled as URLs spell hosts: lower case,
/// no trailing dot, punycode, addresses in their one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostName {
    host: String,
    port: Option<u16>,
}

impl HostName {
    /// Reads HOST or HOST:PORT; `None` where it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(host) = spelled(text) {
            return Some(Self { host, port: None });
        }
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port > 0)?;
        Some(Self { host: spelled(host)?, port: Some(port) })
    }

    /// The host of a URL with the port that is asked; `None` where it has none.
    pub(super) fn of(url: &Url) -> Option<Self> {
        let host = url.host_str().filter(|host| !host.is_empty())?;
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        Some(Self { host, port: url.port_or_known_default() })
    }

    /// The host without the port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub(super) const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The host at any port.
    pub(super) fn without_port(&self) -> Self {
        Self { host: self.host.clone(), port: None }
    }

    /// Whether that is meant by this: with a port it alone, without one the host at any.
    pub(super) fn covers(&self, asked: &Self) -> bool {
        self.host == asked.host && self.port.is_none_or(|port| asked.port == Some(port))
    }

    /// Whether this names the very port that is asked, and not only the host.
    pub(super) fn names(&self, asked: &Self) -> bool {
        self.port.is_some() && self == asked
    }
}

fn spelled(name: &str) -> Option<String> {
    let bare_v6 = name.parse::<Ipv6Addr>();
    let host = bare_v6.map(Host::Ipv6).or_else(|_| Host::parse(name)).ok()?.to_string();
    Some(host.strip_suffix('.').unwrap_or(&host).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_hosts_are_compared_as_urls_spell_them() {
        for (name, spelled) in [
            ("Files.Example.", Some(("files.example", None))),
            ("bücher.example:8443", Some(("xn--bcher-kva.example", Some(8443)))),
            ("127.1", Some(("127.0.0.1", None))),
            ("127.1:80", Some(("127.0.0.1", Some(80)))),
            ("::1", Some(("[::1]", None))),
            ("[::1]", Some(("[::1]", None))),
            ("[::1]:8443", Some(("[::1]", Some(8443)))),
            ("files.example:443", Some(("files.example", Some(443)))),
            ("files.example:0", None),
            ("files.example:65536", None),
            ("files.example:", None),
            ("https://files.example", None),
            ("files.example/a", None),
            (":443", None),
            ("", None),
        ] {
            let read = HostName::parse(name);
            let read = read.as_ref().map(|read| (read.host(), read.port()));
            assert_eq!(read, spelled, "{name}");
        }
    }

    #[test]
    fn a_name_without_a_port_covers_all_of_them_and_names_none() {
        let named = |text| HostName::parse(text).unwrap();
        let asked = |url| HostName::of(&Url::parse(url).unwrap()).unwrap();
        for (name, url, covers, names) in [
            ("h.example", "https://H.example./a", true, false),
            ("h.example", "https://h.example:8443/a", true, false),
            ("h.example:443", "https://h.example/a", true, true),
            ("h.example:443", "http://h.example/a", false, false),
            ("h.example:8443", "https://h.example:8443/a", true, true),
            ("h.example", "https://sub.h.example/a", false, false),
        ] {
            let (name, asked) = (named(name), asked(url));
            assert_eq!((name.covers(&asked), name.names(&asked)), (covers, names), "{url}");
        }
    }
}
