//! `FLEET_MYSQL_…` as `[catalog]`.

use std::fs;
use std::net::Ipv6Addr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::names::Group;
use super::{Fleet, OPTION};
use crate::config::named::NamedFile;
use crate::config::problem::Origin;

const ADDRESS: &str = "FLEET_MYSQL_ADDRESS";
const PROTOCOL: &str = "FLEET_MYSQL_PROTOCOL";
const USERNAME: &str = "FLEET_MYSQL_USERNAME";
const PASSWORD: &str = "FLEET_MYSQL_PASSWORD";
const PASSWORD_PATH: &str = "FLEET_MYSQL_PASSWORD_PATH";
const DATABASE: &str = "FLEET_MYSQL_DATABASE";
const TLS_CA: &str = "FLEET_MYSQL_TLS_CA";
const TLS_CERT: &str = "FLEET_MYSQL_TLS_CERT";
const TLS_KEY: &str = "FLEET_MYSQL_TLS_KEY";
const TLS_SERVER_NAME: &str = "FLEET_MYSQL_TLS_SERVER_NAME";
const TLS_CONFIG: &str = "FLEET_MYSQL_TLS_CONFIG";
const REGION: &str = "FLEET_MYSQL_REGION";
const STS_ASSUME_ROLE_ARN: &str = "FLEET_MYSQL_STS_ASSUME_ROLE_ARN";

/// Those that the URL is made of.
const OF_URL: &[&str] =
    &[ADDRESS, PROTOCOL, USERNAME, PASSWORD, PASSWORD_PATH, DATABASE, TLS_CONFIG];

const GROUP: Group = Group {
    section: "catalog",
    prefix: "FLEET_MYSQL_",
    read: &[
        "ADDRESS",
        "PROTOCOL",
        "USERNAME",
        "PASSWORD",
        "PASSWORD_PATH",
        "DATABASE",
        "TLS_CA",
        "TLS_CERT",
        "TLS_KEY",
        "TLS_SERVER_NAME",
        "TLS_CONFIG",
        "REGION",
        "STS_ASSUME_ROLE_ARN",
    ],
    ignored: &[
        "MAX_OPEN_CONNS",
        "MAX_IDLE_CONNS",
        "CONN_MAX_LIFETIME",
        "SQL_MODE",
        "STS_EXTERNAL_ID",
    ],
    // restock reads the primary: rows come late to a replica, and would look like none.
    others: Some("READ_REPLICA_"),
};

/// What both Fleet and MySQL are called where nothing else is said.
const FLEET: &str = "fleet";

const URL: &str = "catalog.url";

/// All that means something in a URL, and more.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) fn lay(fleet: &mut Fleet<'_>) {
    let preset = |fleet: &mut Fleet<'_>| {
        fleet.set(&["catalog", "preset"], FLEET, Origin::Fleet(OPTION.to_owned()));
    };
    if fleet.is_overridden(URL) || fleet.is_overridden("catalog.url_file") {
        return preset(fleet);
    }
    let says_nothing = OF_URL.iter().all(|variable| fleet.get(variable).is_none());
    if says_nothing && (fleet.is_set(URL) || fleet.is_set("catalog.url_file")) {
        return;
    }
    fleet.refuse_strangers(&GROUP);
    preset(fleet);
    if says_nothing {
        let advice = "is not set, nor any other variable for Fleet's database: run restock where \
                      Fleet's variables are, or set RESTOCK_CATALOG__URL";
        return fleet.refuse(URL, ADDRESS, advice);
    }
    if let Some(url) = url(fleet) {
        let origin = fleet.set_of(OF_URL);
        fleet.set(&["catalog", "url"], url, origin);
    }
}

/// Where the database is, and who asks.
fn url(fleet: &mut Fleet<'_>) -> Option<String> {
    let server = match fleet.get(PROTOCOL) {
        None | Some("tcp") => tcp(fleet),
        Some("unix") => socket(fleet),
        Some(_) => {
            fleet.refuse(URL, PROTOCOL, "names a way that restock does not know: tcp and unix are");
            None
        }
    };
    let password = password(fleet);
    // A socket is of this machine.
    let is_local = server.as_ref().is_some_and(|server| server.socket.is_some());
    let host = server.as_ref().map(|server| server.host.as_str());
    let encryption = if is_local { Some("") } else { encryption(fleet, host) };
    let (server, password, encryption) = (server?, password?, encryption?);
    let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let user = encoded(fleet.get(USERNAME).unwrap_or(FLEET));
    let password = if password.is_empty() { password } else { format!(":{}", encoded(&password)) };
    let database = encoded(fleet.get(DATABASE).unwrap_or(FLEET));
    let socket =
        server.socket.map_or_else(String::new, |path| format!("socket={}", encoded(&path)));
    let parameters = [socket.as_str(), encryption].map(|one| (!one.is_empty()).then_some(one));
    let parameters = parameters.into_iter().flatten().collect::<Vec<_>>().join("&");
    let query = if parameters.is_empty() { "" } else { "?" };
    let Server { host, port, .. } = server;
    Some(format!("mysql://{user}{password}@{host}:{port}/{database}{query}{parameters}"))
}

/// Where a server listens.
struct Server {
    host: String,
    port: u16,
    socket: Option<String>,
}

fn tcp(fleet: &mut Fleet<'_>) -> Option<Server> {
    let server = server_of(fleet.get(ADDRESS).unwrap_or("localhost:3306"));
    if server.is_none() {
        fleet.refuse(URL, ADDRESS, "is no host, or host and port, such as db.example.com:3306");
    }
    server
}

/// An address as Go's driver reads it: the port may be left out, and so may the host before it.
fn server_of(address: &str) -> Option<Server> {
    let bare_v6 = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    let (host, port) = match address.rsplit_once(':') {
        _ if bare_v6(address) => (address, None),
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    };
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match inner.unwrap_or(host) {
        "" if port.is_some() => "localhost".to_owned(),
        host if bare_v6(host) => format!("[{host}]"),
        host if inner.is_none() => host.to_owned(),
        _ => return None,
    };
    let port = port.map_or(Ok(3306), str::parse).ok()?;
    url::Host::parse(&host).ok()?;
    Some(Server { host, port, socket: None })
}

fn socket(fleet: &mut Fleet<'_>) -> Option<Server> {
    let path = fleet.get(ADDRESS).filter(|path| path.starts_with('/')).map(str::to_owned);
    if path.is_none() {
        fleet.refuse(URL, ADDRESS, "is no absolute path of a socket, as FLEET_MYSQL_PROTOCOL asks");
    }
    let socket = Some(path?);
    Some(Server { host: "localhost".to_owned(), port: 3306, socket })
}

/// The password, maybe none.
fn password(fleet: &mut Fleet<'_>) -> Option<String> {
    if fleet.get(STS_ASSUME_ROLE_ARN).is_some() {
        let advice = "asks for a role to be assumed, which restock cannot do: give it a database \
                      user with a password, in RESTOCK_CATALOG__URL";
        fleet.refuse(URL, STS_ASSUME_ROLE_ARN, advice);
        return None;
    }
    let password = fleet.get(PASSWORD).map(str::to_owned);
    let Some(path) = fleet.path(PASSWORD_PATH) else {
        if password.is_none() && fleet.get(REGION).is_some() {
            let advice = "without a password asks for IAM authentication by RDS, which restock \
                          cannot do: give it a database user with a password, in \
                          RESTOCK_CATALOG__URL";
            fleet.refuse(URL, REGION, advice);
            return None;
        }
        return Some(password.unwrap_or_default());
    };
    if password.is_some() {
        let advice = "stands beside FLEET_MYSQL_PASSWORD, and Fleet takes only one: unset one";
        fleet.refuse(URL, PASSWORD_PATH, advice);
        return None;
    }
    let named = NamedFile { name: PASSWORD_PATH.to_owned(), path: path.clone() };
    fleet.draft.read_from.push(named);
    match fs::read_to_string(&path) {
        Ok(password) => Some(password.trim().to_owned()),
        Err(error) => {
            let advice = format!("names {}, which cannot be read: {error}", path.display());
            fleet.refuse(URL, PASSWORD_PATH, advice);
            None
        }
    }
}

/// The parameter of the URL that says how the connection is encrypted, or an empty one. With an
/// authority of its own, Fleet looks at nothing else.
fn encryption(fleet: &mut Fleet<'_>, host: Option<&str>) -> Option<&'static str> {
    if fleet.get(TLS_CA).is_some() {
        return certificates(fleet, host).map(|()| "");
    }
    match fleet.get(TLS_CONFIG).map(str::to_lowercase).as_deref() {
        // Encrypted where the server can: no less than Fleet does.
        None | Some("false" | "0" | "preferred") => Some(""),
        Some("true" | "1") => Some("ssl-mode=VERIFY_IDENTITY"),
        Some("skip-verify") => Some("ssl-mode=REQUIRED"),
        Some("custom") => {
            let advice = "says custom, and FLEET_MYSQL_TLS_CA, which goes with it, is not set";
            fleet.refuse(URL, TLS_CONFIG, advice);
            None
        }
        Some(_) => {
            let advice = "is none of true, false, preferred, skip-verify and custom";
            fleet.refuse(URL, TLS_CONFIG, advice);
            None
        }
    }
}

fn certificates(fleet: &mut Fleet<'_>, host: Option<&str>) -> Option<()> {
    let name = fleet.get(TLS_SERVER_NAME).map(str::to_owned);
    let is_host = |name: &str| host.is_none_or(|host| host.eq_ignore_ascii_case(name));
    if name.is_some_and(|name| !is_host(&name)) {
        let advice = "is another name than FLEET_MYSQL_ADDRESS has, and restock expects that one \
                      in the server's certificate: connect by the name in the certificate, with \
                      RESTOCK_CATALOG__URL and RESTOCK_CATALOG__TLS_CA_FILE";
        fleet.refuse(URL, TLS_SERVER_NAME, advice);
        return None;
    }
    let is_half = fleet.get(TLS_CERT).is_some() && fleet.get(TLS_KEY).is_none();
    if is_half {
        let advice = "has no FLEET_MYSQL_TLS_KEY beside it: a certificate is of no use without";
        fleet.refuse(URL, TLS_CERT, advice);
        return None;
    }
    file(fleet, "tls_ca_file", TLS_CA)?;
    // A key alone is of no use, and Fleet does not look at it.
    if fleet.get(TLS_CERT).is_some() {
        file(fleet, "tls_cert_file", TLS_CERT)?;
        file(fleet, "tls_key_file", TLS_KEY)?;
    }
    Some(())
}

fn file(fleet: &mut Fleet<'_>, key: &str, variable: &str) -> Option<()> {
    let path = fleet.get(variable)?.to_owned();
    fleet.set(&["catalog", key], path, Origin::Fleet(variable.to_owned()));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_go_reads_them() {
        for (address, read) in [
            ("db:3307", Some("db:3307")),
            ("db.example.com", Some("db.example.com:3306")),
            (":3307", Some("localhost:3307")),
            ("10.0.0.5:3306", Some("10.0.0.5:3306")),
            ("[::1]:3307", Some("[::1]:3307")),
            ("[::1]", Some("[::1]:3306")),
            ("::1", Some("[::1]:3306")),
            ("my_sql-0.db.svc:3306", Some("my_sql-0.db.svc:3306")),
            ("db:mysql", None),
            ("db:99999", None),
            ("db:", None),
            ("a:b:3306", None),
            ("[db]:3306", None),
            ("user@db:3306", None),
            ("db/fleet", None),
            ("/run/mysqld.sock", None),
            ("a b", None),
        ] {
            let server =
                server_of(address).map(|server| format!("{}:{}", server.host, server.port));
            assert_eq!(server.as_deref(), read, "{address}");
        }
    }
}
