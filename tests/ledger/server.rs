//! The ledger on a server: the suite on PostgreSQL and on MariaDB, and what is particular to them.

use std::path::Path;
use std::sync::Arc;

use restock::ledger::{Ledger, open};

use crate::databases::Database;
use crate::suite::Fixture;

impl Fixture for Database {
    async fn open(&self, store_identity: &str) -> Arc<dyn Ledger> {
        open(self.url(), store_identity, Path::new("/")).await.unwrap()
    }
}

mod postgres {
    crate::suite::conforms!(crate::databases::Engine::Postgres.fresh());
}

mod mariadb {
    crate::suite::conforms!(crate::databases::Engine::MariaDb.fresh());
}
