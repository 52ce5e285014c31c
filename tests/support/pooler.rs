//! pgbouncer before a database of PostgreSQL, for one test alone.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, raw_sql};
use tempfile::TempDir;
use url::Url;

use super::server::free_port;
use super::{Database, Engine};

/// Debian keeps it from the PATH of those who do not run servers.
const PROGRAMS: [&str; 2] = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"];

/// How long a client keeps its connection to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// As long as its own.
    Session,
    /// For one transaction.
    Transaction,
}

/// A running pooler, which dies with the thread that started it.
#[derive(Debug)]
pub(crate) struct Pooler {
    child: Child,
    url: Url,
    _folder: TempDir,
}

impl Pooler {
    /// Starts one with so many connections to the server; `None`, said aloud, where it is not
    /// installed.
    pub(crate) fn start(database: &Database, pooling: Pooling, size: u32) -> Option<Self> {
        assert_eq!(database.engine(), Engine::Postgres);
        let Some(program) = PROGRAMS.into_iter().find(|path| fs::exists(path).unwrap()) else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no pgbouncer: use tests/run");
            eprintln!("not tested: there is no pgbouncer; `tests/run` installs it");
            return None;
        };
        let own: Url = database.url().parse().unwrap();
        let mut url = own.clone();
        url.set_port(Some(free_port())).unwrap();
        // As root, it is another user, who has to get to its configuration.
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o711)).tempdir();
        let (folder, file) = (folder.unwrap(), "pgbouncer.ini");
        fs::write(folder.path().join(file), configuration(&own, &url, pooling, size)).unwrap();
        let mut child = unprivileged(program)
            .arg(folder.path().join(file))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let said: Vec<_> = lines.by_ref().take_while(|line| !line.contains("process up")).collect();
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "pgbouncer does not start; it said:\n{}", said.join("\n"));
        // Read to its end, or it would wait for a reader.
        drop(std::thread::spawn(move || lines.for_each(drop)));
        Some(Self { child, url, _folder: folder })
    }

    /// The first column of the rows of one statement, as text, by way of the pooler. It takes no
    /// parameters at the start that it does not know, of which the library has one.
    pub(crate) async fn values(&self, sql: &str) -> Vec<String> {
        let options: PgConnectOptions = self.url.as_str().parse().unwrap();
        let options = options.extra_float_digits(None).ssl_mode(PgSslMode::Disable);
        let mut connection = options.connect().await.unwrap();
        let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        rows.iter().map(|row| row.try_get_unchecked(0).unwrap()).collect()
    }

    /// The database by way of the pooler. Nothing is encrypted.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Whoever connects is the user of the database.
fn configuration(server: &Url, own: &Url, pooling: Pooling, size: u32) -> String {
    let (host, port) = (server.host_str().unwrap(), server.port().unwrap());
    let (user, password) = (server.username(), server.password().unwrap());
    let mode = match pooling {
        Pooling::Session => "session",
        Pooling::Transaction => "transaction",
    };
    format!(
        "[databases]\n* = host={host} port={port} user={user} password={password}\n\
         [pgbouncer]\nlisten_addr = {}\nlisten_port = {}\nunix_socket_dir =\nauth_type = any\n\
         pool_mode = {mode}\ndefault_pool_size = {size}\nquery_wait_timeout = 20\n\
         server_tls_sslmode = disable\n",
        own.host_str().unwrap(),
        own.port().unwrap(),
    )
}

/// It refuses to run as root.
fn unprivileged(program: &str) -> Command {
    let id = Command::new("id").arg("-u").output().unwrap().stdout;
    if id != b"0\n" {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    let user = ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--pdeathsig=KILL", "--"];
    command.args(user).arg(program);
    command
}
