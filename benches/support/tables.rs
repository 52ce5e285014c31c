//! [`Tables`]: a catalog of a [`super::world::World`] in a real database.

use std::fmt::{self, Write as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection};
use url::Url;

use super::world::{digest, size};

/// What the clients read, and a scan.
const COLUMNS: &str = "sha256, size, updated_at, url";

const DATABASE: &str = "restock_benchmark";

/// Rows in one INSERT.
const AT_ONCE: usize = 1000;

/// A kind of server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Server {
    MariaDb,
    Postgres,
}

/// A database with a table of packages.
pub(crate) struct Tables {
    server: Server,
    url: Url,
}

impl Server {
    /// The variable that says where one is.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::MariaDb => "RESTOCK_TEST_MYSQL",
            Self::Postgres => "RESTOCK_TEST_POSTGRES",
        }
    }

    /// Its own client, as it reads most quickly.
    pub(crate) const fn client(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb --quick",
            Self::Postgres => "psql COPY",
        }
    }

    async fn execute(self, url: &Url, sql: &[String]) -> anyhow::Result<()> {
        match self {
            Self::MariaDb => {
                let mut connection = MySqlConnection::connect(url.as_str()).await?;
                for sql in sql {
                    sqlx::raw_sql(AssertSqlSafe(sql.as_str())).execute(&mut connection).await?;
                }
                connection.close().await?;
            }
            Self::Postgres => {
                let mut connection = PgConnection::connect(url.as_str()).await?;
                for sql in sql {
                    sqlx::raw_sql(AssertSqlSafe(sql.as_str())).execute(&mut connection).await?;
                }
                connection.close().await?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MariaDb => "MariaDB",
            Self::Postgres => "PostgreSQL",
        })
    }
}

impl Tables {
    /// A new database with the rows of as many objects: three of each third one.
    pub(crate) async fn fill(server: Server, url: &str, objects: u64) -> anyhow::Result<Self> {
        let mut url: Url = url.parse()?;
        // Encryption is no matter of the catalog's speed.
        url.set_query(Some("sslmode=disable"));
        if matches!(server, Server::MariaDb) {
            url.set_query(Some("ssl-mode=DISABLED"));
        }
        let fresh =
            [format!("DROP DATABASE IF EXISTS {DATABASE}"), format!("CREATE DATABASE {DATABASE}")];
        server.execute(&url, &fresh).await?;
        url.set_path(DATABASE);
        let tables = Self { server, url };
        let time = match server {
            Server::MariaDb => "TIMESTAMP(6) NULL",
            Server::Postgres => "timestamptz",
        };
        let create = format!(
            "CREATE TABLE packages (id INT PRIMARY KEY, sha256 VARCHAR(64) NOT NULL, size BIGINT, \
             updated_at {time}, url VARCHAR(4095) NOT NULL)"
        );
        server.execute(&tables.url, &[create]).await?;
        let rows = (0..objects).flat_map(|number| {
            std::iter::repeat_n(number, if number.is_multiple_of(3) { 3 } else { 1 })
        });
        let rows: Vec<_> = rows.enumerate().collect();
        for part in rows.chunks(AT_ONCE) {
            server.execute(&tables.url, &[insert(part)?]).await?;
        }
        Ok(tables)
    }

    pub(crate) fn url(&self) -> String {
        self.url.to_string()
    }

    /// How many seconds the server's own client takes for all rows.
    pub(crate) fn read_by_client(&self) -> anyhow::Result<f64> {
        let select = format!("SELECT {COLUMNS} FROM packages");
        let mut command = match self.server {
            Server::MariaDb => {
                let mut command = Command::new("mariadb");
                command
                    .args(["--no-defaults", "--quick", "--batch", "--skip-column-names"])
                    .args(["--host", self.url.host_str().unwrap_or_default()])
                    .args(["--port", &self.url.port().unwrap_or(3306).to_string()])
                    .args(["--user", self.url.username(), "--execute", &select, DATABASE])
                    .env("MYSQL_PWD", self.url.password().unwrap_or_default());
                command
            }
            Server::Postgres => {
                let mut command = Command::new("psql");
                let copy = format!("COPY ({select}) TO STDOUT");
                command.args(["--no-psqlrc", "--command", &copy, self.url.as_str()]);
                command
            }
        };
        let start = Instant::now();
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
        let status = status.with_context(|| format!("cannot run {}", self.server.client()))?;
        ensure!(status.success(), "{} failed", self.server.client());
        Ok(start.elapsed().as_secs_f64())
    }

    pub(crate) async fn drop_all(self) -> anyhow::Result<()> {
        let mut url = self.url;
        url.set_path(if matches!(self.server, Server::MariaDb) { "" } else { "postgres" });
        self.server.execute(&url, &[format!("DROP DATABASE {DATABASE}")]).await
    }
}

fn insert(rows: &[(usize, u64)]) -> anyhow::Result<String> {
    let mut sql = "INSERT INTO packages VALUES ".to_owned();
    for (at, (id, number)) in rows.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(
            sql,
            "{comma}({id}, '{}', {}, '2023-11-14 22:13:20', \
             'https://artifacts.example.com/installers/{number}/installer-{number}.pkg')",
            digest(*number),
            size(*number)
        )?;
    }
    Ok(sql)
}
