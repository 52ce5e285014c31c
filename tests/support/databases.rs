//! Databases on real MariaDB and PostgreSQL servers: on one that all tests share, or on one that a
//! test has for itself (`server`). The servers' programs come from `tests/run`.

#![allow(dead_code, reason = "each test takes some of it")]

#[path = "pooler.rs"]
pub(crate) mod pooler;
#[path = "database_server.rs"]
mod server;

use std::env;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection, Row, raw_sql};
use url::Url;
use uuid::Uuid;

pub(crate) use server::DatabaseServer;

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    MariaDb,
    Postgres,
}

/// A database that one test has for itself. It goes with the value, and its users with it.
#[derive(Debug)]
pub(crate) struct Database {
    engine: Engine,
    /// Where somebody who may do everything connects to.
    url: Url,
    name: String,
    users: Mutex<Vec<String>>,
    /// Whether the server outlives the test.
    shared: bool,
}

/// Somebody who may connect to a database, and what else was granted.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) url: String,
}

/// The certificates of this run: the CA behind every server's, and a client's with its key.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) ca: PathBuf,
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// A variable that `tests/run` sets. `None`, said aloud, where it does not; with CI=true that is a
/// failure.
fn set_by_run(variable: &str) -> Option<String> {
    let value = env::var(variable).ok();
    if value.is_none() {
        assert!(env::var("CI").as_deref() != Ok("true"), "{variable} is not set: use tests/run");
        eprintln!("not tested: {variable} is not set; `tests/run` starts the servers");
    }
    value
}

impl Tls {
    /// As [`Engine::fresh`], nothing where no servers run.
    pub(crate) fn of_this_run() -> Option<Self> {
        Some(Self {
            ca: set_by_run("RESTOCK_TEST_TLS_CA")?.into(),
            cert: set_by_run("RESTOCK_TEST_TLS_CERT")?.into(),
            key: set_by_run("RESTOCK_TEST_TLS_KEY")?.into(),
        })
    }
}

impl Engine {
    /// A new database on the shared server; `None`, said aloud, where that does not run.
    pub(crate) async fn fresh(self) -> Option<Database> {
        Some(Database::create(self, self.shared_server()?, true).await)
    }

    /// A server for this test alone, with settings of its own (`net_write_timeout=2`), each of
    /// which is a variable that the server lets one set when it starts. Not to be called on a
    /// thread that ends before the test does: the server dies with the thread that started it.
    pub(crate) fn start(self, settings: &[&str]) -> Option<DatabaseServer> {
        let templates = set_by_run("RESTOCK_TEST_DATABASE_TEMPLATES")?;
        Some(DatabaseServer::start(self, self.shared_server()?, templates, settings))
    }

    /// Runs statements as whoever the URL names. Gives the first column of the rows, as text.
    pub(crate) async fn query(self, url: &str, sql: &str) -> Result<Vec<String>, sqlx::Error> {
        let statements = raw_sql(AssertSqlSafe(sql));
        match self {
            Self::MariaDb => {
                let mut connection = MySqlConnection::connect(url).await?;
                let rows = statements.fetch_all(&mut connection).await?;
                connection.close().await?;
                rows.iter().map(|row| row.try_get_unchecked(0)).collect()
            }
            Self::Postgres => {
                let mut connection = PgConnection::connect(url).await?;
                let rows = statements.fetch_all(&mut connection).await?;
                connection.close().await?;
                rows.iter().map(|row| row.try_get_unchecked(0)).collect()
            }
        }
    }

    fn shared_server(self) -> Option<Url> {
        let url = set_by_run(match self {
            Self::MariaDb => "RESTOCK_TEST_MYSQL",
            Self::Postgres => "RESTOCK_TEST_POSTGRES",
        })?;
        Some(url.parse().unwrap())
    }

    /// What follows GRANT … TO.
    fn grantee(self, user: &str) -> String {
        match self {
            Self::MariaDb => format!("'{user}'@'%'"),
            Self::Postgres => user.to_owned(),
        }
    }
}

impl Database {
    async fn create(engine: Engine, server: Url, shared: bool) -> Self {
        let id = Uuid::now_v7().simple().to_string();
        let name = format!("restock_test_{}", &id[16..]);
        // As Fleet's own databases, and every new one of Debian's server.
        let charset = match engine {
            Engine::MariaDb => " CHARACTER SET utf8mb4",
            Engine::Postgres => "",
        };
        let mut url = server;
        url.set_path(&name);
        let database = Self { engine, url, name, users: Mutex::default(), shared };
        let create = format!("CREATE DATABASE {}{charset}", database.name);
        engine.query(&database.server(), &create).await.unwrap();
        database
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// For somebody who may do everything.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Runs any number of statements with all rights.
    pub(crate) async fn execute(&self, sql: &str) {
        self.values(sql).await;
    }

    /// The same, and gives the first column of the rows, as text.
    pub(crate) async fn values(&self, sql: &str) -> Vec<String> {
        self.engine.query(&self.own_url(self.url.path()), sql).await.unwrap()
    }

    /// Somebody with no more rights than these, each what stands between GRANT and TO: `SELECT ON
    /// hosts`, `SELECT ON *` (MariaDB), `SELECT ON ALL TABLES IN SCHEMA public` (PostgreSQL).
    /// Members of the role `tls_required` or `certificate_required` are refused by PostgreSQL
    /// without that; in MariaDB, `ALTER USER … REQUIRE SSL` and `REQUIRE X509` do it.
    pub(crate) async fn create_user(&self, suffix: &str, grants: &[&str]) -> User {
        let name = format!("{}_{suffix}", self.name);
        let grantee = self.engine.grantee(&name);
        let password = format!("password-{}", Uuid::now_v7().simple());
        self.execute(&match self.engine {
            Engine::MariaDb => format!("CREATE USER {grantee} IDENTIFIED BY '{password}'"),
            Engine::Postgres => format!("CREATE ROLE {name} LOGIN PASSWORD '{password}'"),
        })
        .await;
        self.users.lock().unwrap().push(name.clone());
        for grant in grants {
            self.execute(&format!("GRANT {grant} TO {grantee}")).await;
        }
        let mut url = self.url.clone();
        url.set_username(&name).unwrap();
        url.set_password(Some(&password)).unwrap();
        User { name, password, url: url.into() }
    }

    /// A URL for the connections of this helper. They are many, and in a debug build encryption
    /// takes longer than all else; only a server of the test's own may insist on it.
    fn own_url(&self, path: &str) -> String {
        let mut url = self.url.clone();
        url.set_path(path);
        if self.shared {
            url.set_query(Some(match self.engine {
                Engine::MariaDb => "ssl-mode=DISABLED",
                Engine::Postgres => "sslmode=disable",
            }));
        }
        url.into()
    }

    /// Where a connection is in none of the tests' databases.
    fn server(&self) -> String {
        self.own_url(match self.engine {
            Engine::MariaDb => "/",
            Engine::Postgres => "/postgres",
        })
    }

    async fn drop_all(&self) -> Result<(), sqlx::Error> {
        let database = match self.engine {
            // Whoever still reads a table would be waited for, a day long.
            Engine::MariaDb => "SET lock_wait_timeout = 5; DROP DATABASE NAME",
            Engine::Postgres => "DROP DATABASE NAME WITH (FORCE)",
        };
        let database = database.replace("NAME", &self.name);
        self.engine.query(&self.server(), &database).await?;
        let users = self.users.lock().unwrap().clone();
        for user in users {
            let drop = format!("DROP USER {}", self.engine.grantee(&user));
            self.engine.query(&self.server(), &drop).await?;
        }
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !self.shared {
            return;
        }
        let drop_all = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let limit = Duration::from_secs(10);
            runtime.block_on(async { tokio::time::timeout(limit, self.drop_all()).await })??;
            anyhow::Ok(())
        };
        // The test's own runtime cannot be waited for in here.
        let dropped = std::thread::scope(|scope| scope.spawn(drop_all).join());
        if !matches!(dropped, Ok(Ok(()))) {
            eprintln!("{} stays on the server: {dropped:?}", self.name);
        }
    }
}
