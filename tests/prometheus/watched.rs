//! [`Watched`]: catalog, ledger, bucket and source on real servers, and a daemon that is scraped.

use std::process::{Child, Stdio};

use tempfile::TempDir;

use crate::binary::{Ran, command, restock, until};
use crate::databases::{Database, Engine};
use crate::prometheus::{Prometheus, get};
use crate::s3::{Bucket, Server};
use crate::support::http_server::{Answer, HttpServer};
use crate::support::object::Object;

/// The world with its daemon. At first nothing is wrong with it.
pub(crate) struct Watched {
    daemon: Child,
    folder: TempDir,
    _catalog: Database,
    _ledger: Database,
    pub(crate) bucket: Bucket,
    pub(crate) source: HttpServer,
    /// The last one has no source.
    pub(crate) objects: Vec<Object>,
    pub(crate) prometheus: Prometheus,
    pub(crate) address: String,
}

impl Watched {
    /// So many objects, all of them there. `None`, said aloud, where a server is absent.
    pub(crate) async fn of(engine: Engine, n: u32) -> Option<Self> {
        let program = Prometheus::program()?;
        let (catalog, ledger) = (engine.fresh().await?, engine.fresh().await?);
        let bucket = Server::Moto.bucket()?;
        let source = HttpServer::start();
        let objects: Vec<_> = (0..n).map(Object::nth).collect();
        catalog.execute(&rows(&objects, &source)).await;
        for object in &objects {
            bucket.put(&object.key, &object.bytes).await;
        }
        let folder = TempDir::new().unwrap();
        let text = configuration(&catalog, &ledger, &bucket);
        std::fs::write(folder.path().join("restock.toml"), text).unwrap();
        let log = folder.path().join("run.log");
        let file = std::fs::File::create(&log).unwrap();
        let mut run = command(folder.path(), "run --log-format text");
        let daemon = run.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        let said = || std::fs::read_to_string(&log).unwrap();
        until("a pass", || said().contains("last pass clean"));
        let log = said();
        let (_, rest) = log.split_once("http://").unwrap();
        let address = rest.split_whitespace().next().unwrap().to_owned();
        let prometheus = Prometheus::watching(&program, &address);
        Some(Self {
            daemon,
            folder,
            _catalog: catalog,
            _ledger: ledger,
            bucket,
            source,
            objects,
            prometheus,
            address,
        })
    }

    /// Runs a command beside the daemon, to its end.
    pub(crate) fn restock(&self, line: &str) -> Ran {
        restock(self.folder.path(), line)
    }

    /// What a scrape shows.
    pub(crate) fn metrics(&self) -> String {
        get(&self.address, "/metrics").unwrap()
    }

    /// How many passes have ended.
    pub(crate) fn passes(&self) -> f64 {
        self.sample("restock_pass_runs_total{depth=\"shallow\",store=\"packages\"}")
    }

    /// A sample of the daemon's own.
    pub(crate) fn sample(&self, name: &str) -> f64 {
        let metrics = self.metrics();
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("{name} is not in {metrics}")).parse().unwrap()
    }

    /// Ends the daemon as systemd does; it drains and exits with 0.
    pub(crate) fn ends_well(mut self) {
        crate::binary::signal(&self.daemon, "TERM");
        assert_eq!(self.daemon.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("run.log"));
            eprintln!("{}", log.unwrap_or_default());
        }
        drop(self.daemon.kill());
        drop(self.daemon.wait());
    }
}

fn rows(objects: &[Object], source: &HttpServer) -> String {
    let (last, others) = objects.split_last().unwrap();
    let mut sql = "CREATE TABLE packages (sha256 CHAR(64) PRIMARY KEY, url TEXT, \
                   filename TEXT, size_bytes BIGINT); INSERT INTO packages VALUES "
        .to_owned();
    for object in others {
        let path = format!("/{}", object.name);
        source.route(&path, [Answer::ok(object.bytes.clone())]);
        sql += &row(object, &format!("'{}'", source.url(&path)));
        sql += ", ";
    }
    sql + &row(last, "NULL")
}

fn row(object: &Object, url: &str) -> String {
    let Object { digest, name, bytes, .. } = object;
    format!("('{digest}', {url}, '{name}', {})", bytes.len())
}

fn configuration(catalog: &Database, ledger: &Database, bucket: &Bucket) -> String {
    format!(
        r#"
[catalog]
url = "{}"
preset = "custom"
[[collection]]
name = "installers"
query = "SELECT sha256 AS digest, url AS source_url, filename AS name, size_bytes AS size FROM packages"
key = "software-installers/{{digest}}"
[store]
name = "packages"
url = "s3://{}/{}"
[store.options]
aws_endpoint = "{}"
aws_allow_http = true
aws_region = "us-east-1"
aws_access_key_id = "{}"
aws_secret_access_key = "{}"
[ledger]
url = "{}"
[audit]
schedule = "* * * * * *"
grace = "0s"
[deep]
schedule = "*/2 * * * * *"
cycle = "10s"
[source]
allow_http = true
allow_private = ["127.0.0.0/8"]
[http]
listen = "127.0.0.1:0"
"#,
        catalog.url(),
        bucket.name,
        bucket.prefix,
        bucket.endpoint,
        bucket.access_key,
        bucket.secret_key,
        ledger.url(),
    )
}
