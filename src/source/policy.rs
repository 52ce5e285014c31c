//! The policy: which URLs and which addresses a source may have. Pure; the client asks it before
//! each hop and for each address that a name resolves to.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use super::address::{carried, not_public};
use super::{HostName, SourceOptions};
use crate::model::URL_BYTES;

/// Ports below this belong to services of the machine: mail, shells, directories.
const FIRST_FREE_PORT: u16 = 1024;

/// What a configuration allows. Refusals are texts that complete "policy: …".
#[derive(Debug)]
pub(super) struct Policy {
    allow_http: bool,
    named: Vec<NamedHost>,
    allow_hosts: Vec<HostName>,
    allow_private: Vec<IpNet>,
    deny: Vec<IpNet>,
}

/// A `[[source.host]]`.
#[derive(Debug)]
struct NamedHost {
    name: HostName,
    allow_http: bool,
}

impl Policy {
    /// The policy of a configuration. A name that is no host names nothing.
    pub(super) fn new(options: &SourceOptions) -> Self {
        let named = options.host.iter().filter_map(|host| {
            let name = HostName::parse(&host.name)?;
            Some(NamedHost { name, allow_http: host.allow_http })
        });
        Self {
            allow_http: options.allow_http,
            named: named.collect(),
            allow_hosts: options.allow_hosts.iter().filter_map(|h| HostName::parse(h)).collect(),
            allow_private: options.allow_private.clone(),
            deny: options.deny.clone(),
        }
    }

    /// Whether a URL may be asked, as far as it can be told without resolving its host.
    pub(super) fn check_url(&self, url: &Url) -> Result<(), String> {
        if url.as_str().len() > URL_BYTES {
            return Err(too_long(url.as_str().len()));
        }
        let Some(asked) = HostName::of(url) else {
            return Err(format!("a URL of scheme `{}` has no host; use https", url.scheme()));
        };
        let host = asked.host();
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http || self.allows_http_by_name(&asked) => {}
            "http" => {
                return Err(format!(
                    "plain http is not allowed for {host}; use https, or set allow_http in a \
                     [[source.host]] of that name"
                ));
            }
            scheme => return Err(format!("scheme `{scheme}` is not allowed; use https")),
        }
        if !self.allow_hosts.is_empty() && !self.allow_hosts.iter().any(|own| own.covers(&asked)) {
            return Err(format!("{host} is not among source.allow_hosts"));
        }
        self.check_port(&asked)?;
        match url.host() {
            Some(Host::Ipv4(v4)) => self.check_address(v4.into()),
            Some(Host::Ipv6(v6)) => self.check_address(v6.into()),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    fn check_port(&self, asked: &HostName) -> Result<(), String> {
        let port = asked.port().unwrap_or_default();
        let is_web = matches!(port, 80 | 443) || port >= FIRST_FREE_PORT;
        if is_web || self.named.iter().any(|own| own.name.names(asked)) {
            return Ok(());
        }
        let host = asked.host();
        Err(format!(
            "port {port} is not allowed; if it is meant, add a [[source.host]] `{host}:{port}`"
        ))
    }

    /// Whether a `[[source.host]]` itself says that plain http will do.
    pub(super) fn allows_http_by_name(&self, asked: &HostName) -> bool {
        self.named.iter().any(|own| own.allow_http && own.name.covers(asked))
    }

    /// Whether an address may be connected to.
    pub(super) fn check_address(&self, address: IpAddr) -> Result<(), String> {
        self.check_denied(address)?;
        if self.allow_private.iter().any(|net| net.contains(&address)) {
            return Ok(());
        }
        if let IpAddr::V6(v6) = address {
            let inside = carried(v6);
            if !inside.is_empty() {
                return inside.into_iter().try_for_each(|v4| {
                    self.check_address(v4.into())
                        .map_err(|refusal| format!("{refusal} (reached by {v6})"))
                });
            }
        }
        match not_public(address) {
            None => Ok(()),
            Some(what) => Err(format!(
                "address {address} is {what}; if it is meant, add it to source.allow_private"
            )),
        }
    }

    /// Whether an address lies in a denied network, in whichever of its spellings that is written.
    fn check_denied(&self, address: IpAddr) -> Result<(), String> {
        let others: Vec<IpAddr> = match address {
            IpAddr::V4(v4) => vec![v4.to_ipv6_mapped().into()],
            IpAddr::V6(v6) => carried(v6).into_iter().map(IpAddr::V4).collect(),
        };
        let is_denied = |one: &IpAddr| self.deny.iter().any(|net| net.contains(one));
        if is_denied(&address) || others.iter().any(is_denied) {
            return Err(format!("address {address} lies in a network of source.deny"));
        }
        Ok(())
    }
}

/// The refusal of a URL of that many bytes.
pub(super) fn too_long(bytes: usize) -> String {
    format!("a URL of {bytes} bytes is too long: {URL_BYTES} are allowed")
}

#[cfg(test)]
mod tests {
    use super::super::HostOptions;
    use super::*;

    fn policy(options: &SourceOptions) -> Policy {
        Policy::new(options)
    }

    fn host(name: &str) -> HostOptions {
        HostOptions { name: name.to_owned(), allow_http: true, bearer_token_file: None }
    }

    #[test]
    fn only_public_unicast_addresses_are_allowed_and_the_neighbors_of_each_range_are() {
        // (below, first, last, above): the middle two are denied, the outer two are not.
        for (below, first, last, above) in [
            ("-", "0.0.0.0", "0.255.255.255", "1.0.0.0"),
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
            ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
            ("168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"),
            ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
            ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
            ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
            ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
            ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"),
            ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
            ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
            ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
            ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
            ("223.255.255.255", "224.0.0.0", "255.255.255.255", "-"),
            ("-", "::", "::1", "-"),
            ("-", "::2", "::fffe:ffff:ffff", "-"),
            ("-", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "-"),
            ("-", "100::", "100::ffff:ffff:ffff:ffff", "-"),
            ("-", "101::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"),
            ("-", "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"),
            (
                "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:db9::",
            ),
            (
                "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "3fff::",
                "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
                "3fff:1000::",
            ),
            (
                "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "4000::",
                "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "-",
            ),
            ("-", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"),
            ("-", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"),
            ("-", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"),
            ("-", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"),
            ("::ffff:9.255.255.255", "::ffff:10.0.0.0", "::ffff:10.255.255.255", "::ffff:11.0.0.0"),
            (
                "64:ff9b::126.255.255.255",
                "64:ff9b::127.0.0.1",
                "64:ff9b::7fff:ffff",
                "64:ff9b::8000:0",
            ),
            ("2002:a9fd:ffff::", "2002:a9fe::", "2002:a9fe:ffff:ffff::", "2002:a9ff::"),
            // Teredo: server 8.8.8.8, then a client of 126.255.255.255, 127/8, 128.0.0.0.
            (
                "2001:0:808:808::8100:0",
                "2001:0:808:808::80ff:ffff",
                "2001:0:808:808::8000:0",
                "2001:0:808:808::7fff:ffff",
            ),
        ] {
            let policy = policy(&SourceOptions::default());
            for denied in [first, last] {
                assert!(policy.check_address(denied.parse().unwrap()).is_err(), "{denied}");
            }
            for allowed in [below, above].into_iter().filter(|text| *text != "-") {
                assert_eq!(policy.check_address(allowed.parse().unwrap()), Ok(()), "{allowed}");
            }
        }
    }

    #[test]
    fn a_teredo_address_is_denied_for_a_private_server_too() {
        let policy = policy(&SourceOptions::default());
        let refusal = policy.check_address("2001:0:a00:1::8100:0".parse().unwrap()).unwrap_err();
        assert!(refusal.starts_with("address 10.0.0.1 is private"), "{refusal}");
    }

    #[test]
    fn loopback_is_denied_in_every_spelling() {
        let policy = policy(&SourceOptions { allow_http: true, ..SourceOptions::default() });
        for host in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "2130706433",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "good.example@127.0.0.1",
            "good.example:443@127.0.0.1",
            "good.example%2F@127.0.0.1",
        ] {
            for scheme in ["http", "https"] {
                let url = Url::parse(&format!("{scheme}://{host}/")).unwrap();
                let refusal = policy.check_url(&url).unwrap_err();
                assert!(refusal.contains("is loopback"), "{host}: {refusal}");
            }
        }
    }

    #[test]
    fn an_allowed_network_lets_its_own_addresses_through_and_no_others() {
        let policy = policy(&SourceOptions {
            allow_private: vec!["127.0.0.0/8".parse().unwrap(), "fd00::/16".parse().unwrap()],
            ..SourceOptions::default()
        });
        for allowed in ["127.0.0.1", "::ffff:127.0.0.1", "fd00::1"] {
            assert_eq!(policy.check_address(allowed.parse().unwrap()), Ok(()), "{allowed}");
        }
        for denied in ["::1", "0.0.0.0", "10.0.0.1", "fd01::1", "169.254.169.254"] {
            assert!(policy.check_address(denied.parse().unwrap()).is_err(), "{denied}");
        }
    }

    #[test]
    fn plain_http_needs_to_be_allowed() {
        let closed = policy(&SourceOptions::default());
        let open = policy(&SourceOptions { allow_http: true, ..SourceOptions::default() });
        let one = policy(&SourceOptions {
            host: vec![host("Files.Example."), host("bücher.example")],
            ..SourceOptions::default()
        });
        for (url, of_closed, of_open, of_one) in [
            ("https://files.example/a", true, true, true),
            ("http://files.example/a", false, true, true),
            ("http://FILES.example.:8080/a", false, true, true),
            ("http://xn--bcher-kva.example/a", false, true, true),
            ("http://other.example/a", false, true, false),
            ("http://sub.files.example/a", false, true, false),
            ("ftp://files.example/a", false, false, false),
            ("file:///etc/passwd", false, false, false),
            ("data:text/plain,x", false, false, false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(closed.check_url(&url).is_ok(), of_closed, "closed: {url}");
            assert_eq!(open.check_url(&url).is_ok(), of_open, "open: {url}");
            assert_eq!(one.check_url(&url).is_ok(), of_one, "one: {url}");
        }
    }

    #[test]
    fn a_denied_network_is_denied_whatever_else_allows_it_and_in_every_spelling() {
        let policy = policy(&SourceOptions {
            allow_private: vec!["10.0.0.0/8".parse().unwrap(), "2002::/16".parse().unwrap()],
            deny: ["10.1.0.0/16", "8.8.8.0/24", "2606:4700::/32", "::ffff:9.9.9.0/120"]
                .map(|net| net.parse().unwrap())
                .to_vec(),
            ..SourceOptions::default()
        });
        for denied in [
            "10.1.2.3",
            "::ffff:10.1.2.3",
            "2002:a01:203::1",
            "64:ff9b::808:808",
            "8.8.8.8",
            "9.9.9.9",
            "2606:4700::1",
        ] {
            let refusal = policy.check_address(denied.parse().unwrap()).unwrap_err();
            assert!(refusal.contains("lies in a network of source.deny"), "{denied}: {refusal}");
        }
        for allowed in ["10.2.0.1", "2002:a02:1::1", "8.8.4.4", "9.9.8.9", "2606:4701::1"] {
            assert_eq!(policy.check_address(allowed.parse().unwrap()), Ok(()), "{allowed}");
        }
    }

    #[test]
    fn where_hosts_are_listed_no_other_one_is_asked() {
        let policy = policy(&SourceOptions {
            allow_hosts: vec!["Files.Example.".to_owned(), "cdn.example:8443".to_owned()],
            ..SourceOptions::default()
        });
        for (url, is_allowed) in [
            ("https://files.example/a", true),
            ("https://FILES.example.:8443/a", true),
            ("https://cdn.example:8443/a", true),
            ("https://cdn.example/a", false),
            ("https://sub.files.example/a", false),
            ("https://files.example@other.example/a", false),
        ] {
            let judged = policy.check_url(&Url::parse(url).unwrap());
            assert_eq!(judged.is_ok(), is_allowed, "{url}: {judged:?}");
        }
    }

    #[test]
    fn a_port_of_another_service_is_refused_unless_an_entry_names_it() {
        let policy = policy(&SourceOptions {
            allow_http: true,
            host: vec![host("files.example:99"), host("other.example")],
            ..SourceOptions::default()
        });
        for (url, is_allowed) in [
            ("https://other.example/a", true),
            ("https://other.example:80/a", true),
            ("http://other.example:443/a", true),
            ("https://other.example:1024/a", true),
            ("https://other.example:1023/a", false),
            ("https://other.example:22/a", false),
            ("https://other.example:0/a", false),
            ("https://other.example:99/a", false),
            ("https://files.example:99/a", true),
            ("https://files.example:98/a", false),
        ] {
            let judged = policy.check_url(&Url::parse(url).unwrap());
            assert_eq!(judged.is_ok(), is_allowed, "{url}: {judged:?}");
        }
    }

    #[test]
    fn a_url_that_is_too_long_is_refused_by_its_length_alone() {
        let policy = policy(&SourceOptions::default());
        let url = |bytes: usize| {
            let start = "https://h.example/";
            Url::parse(&format!("{start}{}", "x".repeat(bytes - start.len()))).unwrap()
        };
        assert_eq!(policy.check_url(&url(URL_BYTES)), Ok(()));
        let refusal = policy.check_url(&url(URL_BYTES + 1)).unwrap_err();
        assert_eq!(refusal, "a URL of 8193 bytes is too long: 8192 are allowed");
    }
}
