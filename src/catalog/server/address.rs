//! [`Address`]: a database on a server, as a URL names it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What cannot stand as it is in the path of a URL.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'`');

/// Whose protocol a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum Product {
    /// MySQL, or MariaDB.
    MySql,
    Postgres,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::catalog) enum Place {
    /// A host, without brackets, and its port.
    Tcp { host: String, port: u16 },
    /// A file of this machine.
    Socket(PathBuf),
}

/// A database, and as whom it is read.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::catalog) struct Address {
    pub(in crate::catalog) product: Product,
    pub(in crate::catalog) place: Place,
    pub(in crate::catalog) user: Option<String>,
    pub(in crate::catalog) password: Option<String>,
    pub(in crate::catalog) database: String,
    /// Parameters of the URL that the product's library takes.
    pub(in crate::catalog) parameters: Vec<(String, String)>,
}

impl Product {
    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::Postgres => "postgres",
        }
    }

    pub(super) fn port(self) -> u16 {
        match self {
            Self::MySql => 3306,
            Self::Postgres => 5432,
        }
    }
}

impl Place {
    /// Whether nobody on the way can listen.
    pub(in crate::catalog) fn is_local(&self) -> bool {
        match self {
            Self::Socket(_) => true,
            Self::Tcp { host, port: _ } => {
                host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Address {
    /// The database, without user, password and parameters.
    pub(in crate::catalog) fn identity(&self) -> String {
        let database = utf8_percent_encode(&self.database, NOT_IN_PATHS);
        format!("{}://{}/{database}", self.product.scheme(), self.place)
    }
}

impl fmt::Debug for Address {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.identity())
    }
}
