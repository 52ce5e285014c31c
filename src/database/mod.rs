//! Databases on servers, as URLs name them: where they are, and how the connection to them is
//! encrypted. Catalog and ledger connect by it, each in its own way.

mod address;
mod connect;
mod tls;
mod url;

pub(crate) use address::{Address, Place, Product};
pub(crate) use connect::{mysql_options, postgres_options};
pub(crate) use tls::{BadFile, Files, Misfit, Mode, Tls, lacks_tls};
pub(crate) use url::parse;
