//! [`Place`]: a catalog in a database of its own, a bucket, a source, and a daemon over them, with a
//! log of what anybody but the daemon does to the bucket.

use std::io::Write;
use std::process::Command;
use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use restock::model::Digest;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::databases::{Database, Engine};
use crate::log::Log;
use crate::object::{COLLECTION, Object, digest_of};
use crate::proxy::Proxy;
use crate::s3::{Bucket, Server};
use crate::source::{Slow, Source};

/// Everything around the daemon.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) database: Database,
    pub(crate) bucket: Bucket,
    pub(crate) proxy: Proxy,
    pub(crate) source: Source,
    pub(crate) log: Log,
    /// Whose bytes are under way.
    pub(crate) slow: tokio::sync::Mutex<UnboundedReceiver<Slow>>,
    /// Each digest whose key ever held something.
    pub(crate) known: Mutex<Vec<Digest>>,
}

/// An object, as those who change the world know it.
#[derive(Debug, Clone)]
pub(crate) struct Thing {
    pub(crate) object: Object,
    /// How many rows want it.
    pub(crate) rows: u32,
    pub(crate) from: From,
}

/// Where a row says that an object can be had again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// From the source, under its n-th URL.
    Source(u32),
    /// Nowhere.
    Nobody,
    /// From an address that the policy forbids.
    Forbidden,
}

impl Place {
    /// An empty world; `None`, said aloud, where the servers do not run.
    pub(crate) async fn on(server: Server, engine: Engine, seed: u64) -> Option<Self> {
        let (bucket, database) = (server.bucket()?, engine.fresh().await?);
        let id = match engine {
            Engine::MariaDb => "INT AUTO_INCREMENT PRIMARY KEY",
            Engine::Postgres => "SERIAL PRIMARY KEY",
        };
        let table = format!(
            "CREATE TABLE packages (id {id}, sha256 VARCHAR(64), url TEXT, filename TEXT, \
             size_bytes BIGINT)"
        );
        database.execute(&table).await;
        let proxy = Proxy::to(&bucket.endpoint, &bucket.name, &bucket.prefix);
        let (source, slow) = Source::start(seed);
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
            database,
            bucket,
            proxy,
            source,
            slow: slow.into(),
            log: Log::default(),
            known: Mutex::default(),
        };
        place.configure().await;
        Some(place)
    }

    async fn configure(&self) {
        let Self { bucket: Bucket { name, prefix, access_key, secret_key, .. }, .. } = self;
        let (grants, suffix): (&[&str], _) = match self.database.engine() {
            Engine::MariaDb => (&["SELECT ON *"], "ssl-mode=DISABLED"),
            Engine::Postgres => (&["SELECT ON ALL TABLES IN SCHEMA public"], "sslmode=disable"),
        };
        let catalog = self.database.create_user("reader", grants).await.url;
        let endpoint = self.proxy.endpoint();
        let configuration = format!(
            r#"
[catalog]
url = "{catalog}?{suffix}"
preset = "custom"
[[collection]]
name = "{COLLECTION}"
query = "SELECT sha256 AS digest, url AS source_url, filename AS name, size_bytes AS size, id AS ref FROM packages"
key = "{COLLECTION}/{{digest}}"
[store]
url = "s3://{name}/{prefix}"
[store.options]
aws_endpoint = "{endpoint}"
aws_allow_http = true
aws_region = "us-east-1"
aws_access_key_id = "{access_key}"
aws_secret_access_key = "{secret_key}"
[ledger]
url = "sqlite://ledger.db"
[audit]
schedule = "* * * * * *"
grace = "0s"
[deep]
schedule = "*/2 * * * * *"
cycle = "10s"
[heal]
retry_after = "1s"
retry_at_most = "2s"
[source]
allow_http = true
allow_private = ["127.0.0.0/8"]
read_timeout = "5s"
tries = 2
per_host = 4
[orphans]
grace = "10s"
sightings = 2
[breaker]
missing_share = 1.0
missing_at_most = 100000
shrunk_share = 1.0
[http]
listen = "127.0.0.1:0"
"#
        );
        std::fs::write(self.dir.path().join("restock.toml"), configuration).unwrap();
    }

    /// Puts bytes under a key, past restock.
    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) {
        let deed = self.log.begin(key, Some(digest_of(bytes)));
        self.bucket.put(key, bytes).await;
        self.log.done(deed);
    }

    /// Deletes a key, past restock.
    pub(crate) async fn delete(&self, key: &str) {
        let deed = self.log.begin(key, None);
        self.bucket.remove(key).await;
        self.log.done(deed);
    }

    /// Adds a row that wants a thing, and lets the source have it.
    pub(crate) async fn want(&self, thing: &mut Thing) {
        thing.rows += 1;
        let Object { bytes, digest, name, .. } = &thing.object;
        self.source.serve(&digest.to_string(), bytes);
        self.known.lock().unwrap().push(*digest);
        let (url, size) = (self.url(thing), bytes.len());
        let insert = format!(
            "INSERT INTO packages (sha256, url, filename, size_bytes) \
             VALUES ('{digest}', {url}, '{name}', {size})"
        );
        self.database.execute(&insert).await;
    }

    /// Takes all its rows away.
    pub(crate) async fn forget(&self, thing: &mut Thing) {
        thing.rows = 0;
        let digest = thing.object.digest;
        self.database.execute(&format!("DELETE FROM packages WHERE sha256 = '{digest}'")).await;
    }

    /// Names another URL in all its rows.
    pub(crate) async fn change_url(&self, thing: &mut Thing) {
        let From::Source(version) = &mut thing.from else { return };
        *version += 1;
        let (url, digest) = (self.url(thing), thing.object.digest);
        let update = format!("UPDATE packages SET url = {url} WHERE sha256 = '{digest}'");
        self.database.execute(&update).await;
    }

    fn url(&self, thing: &Thing) -> String {
        let digest = thing.object.digest.to_string();
        match thing.from {
            From::Source(version) => format!("'{}'", self.source.url(&digest, version)),
            From::Nobody => "NULL".to_owned(),
            From::Forbidden => format!("'http://10.255.255.1/{digest}'"),
        }
    }

    /// Runs the AWS command line, which has to succeed.
    pub(crate) async fn aws(&self, args: Vec<String>) {
        let Bucket { endpoint, access_key, secret_key, .. } = &self.bucket;
        let mut command = Command::new(crate::variable("RESTOCK_TEST_AWS", "aws"));
        command.env_clear().env("HOME", self.dir.path()).env("AWS_DEFAULT_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", access_key).env("AWS_SECRET_ACCESS_KEY", secret_key);
        command.env("LC_ALL", "C.UTF-8").env("PATH", crate::variable("PATH", ""));
        command.args(["--endpoint-url", endpoint]).args(&args);
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(ran.status.success(), "{args:?}: {ran:?}");
    }

    /// The `s3://` URL of a key.
    pub(crate) fn s3_url(&self, key: &str) -> String {
        format!("s3://{}/{}/{key}", self.bucket.name, self.bucket.prefix)
    }

    /// A file with these bytes.
    pub(crate) fn file(&self, bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new_in(self.dir.path()).unwrap();
        file.write_all(bytes).unwrap();
        file
    }
}

impl Thing {
    /// The n-th thing of this seed, with nothing done about it yet.
    pub(crate) fn nth(seed: u64, n: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(n));
        // Two are larger than a part of an upload.
        let size = if n < 2 { 9 << 20 } else { random.random_range(100..20_000) };
        let mut bytes = vec![0_u8; size];
        random.fill(&mut bytes[..]);
        let from = match n {
            2..6 => From::Nobody,
            6..8 => From::Forbidden,
            _ => From::Source(0),
        };
        Self { object: Object::of(bytes, &format!("app-{n}.pkg")), rows: 0, from }
    }

    /// Whether restock can bring it back.
    pub(crate) fn healable(&self) -> bool {
        matches!(self.from, From::Source(_))
    }

    /// Other bytes of the same length; of a large one, a few.
    pub(crate) fn rotten(&self, random: &mut StdRng) -> Vec<u8> {
        let mut bytes = self.object.bytes[..self.object.bytes.len().min(20_000)].to_vec();
        let at = random.random_range(0..bytes.len());
        bytes[at] ^= random.random_range(1..=255_u8);
        bytes
    }
}
