//! A world to break: a `SQLite` catalog, a directory, a ledger and an HTTP source, all real, with a
//! clock that stands where the test puts it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use restock::catalog::{self, Catalog, CatalogOptions, CollectionOptions, Preset};
use restock::clock::{Clock, ManualClock, SystemClock};
use restock::heal::{CatalogTexts, Healer};
use restock::ledger::{self, Ledger};
use restock::model::{Command, Digest, Slice};
use restock::observe::{Event, Observer, Silent};
use restock::pass::{Auditor, FailOn, PassFailure, PassReport, Request, Restraint, Settings};
use restock::plan::{BreakerOptions, HealOptions, OrphanOptions};
use restock::sorter::SorterOptions;
use restock::source::{AllSources, Source, SourceOptions};
use restock::store::{self, Archived, HealStore, OperationHook, StoreOptions};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub use super::brief::{briefly, count, repair, result, unhealable};
use super::http_server::{Answer, HttpServer};
pub use super::object::{COLLECTION, Object, digest_of};

const QUERY: &str = "SELECT sha256 AS digest, url AS source_url, filename AS name, \
                     size_bytes AS size, updated_at, id AS ref FROM packages";

/// A row as a test writes it.
#[derive(Debug, Clone)]
pub struct Row {
    pub digest: String,
    pub url: Option<String>,
    pub name: Option<String>,
    pub size: Option<i64>,
    pub updated_at: Option<String>,
}

/// The world. Everything in it may be replaced before the first pass.
pub struct World {
    pub dir: TempDir,
    pub http: HttpServer,
    pub clock: Arc<dyn Clock>,
    pub settings: Settings,
    pub source_options: SourceOptions,
    /// In place of the directory, for fault injection.
    pub store: Option<Arc<dyn HealStore>>,
    /// In place of the `SQLite` file, for fault injection.
    pub catalog: Option<Arc<dyn Catalog>>,
    /// In place of the `SQLite` file, for fault injection.
    pub ledger: Option<Arc<dyn Ledger>>,
    pub collections: Vec<CollectionOptions>,
    /// Who is told, of the requests to a directory too.
    pub observer: Arc<dyn Observer>,
    pub cancel: CancellationToken,
}

impl World {
    /// A world with an empty catalog and an empty store.
    pub async fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("store").join(COLLECTION)).unwrap();
        let world = Self {
            dir,
            http: HttpServer::start(),
            clock: Arc::new(SystemClock),
            settings: Settings {
                grace: Duration::ZERO,
                concurrency: 8,
                deep_concurrency: 4,
                bandwidth: None,
                heal: HealOptions::default(),
                breaker: BreakerOptions::default(),
                orphans: OrphanOptions::default(),
                archived: Archived::Unknown,
                accepted: Vec::new(),
                retain: Duration::from_hours(90 * 24),
                sorter: SorterOptions::default(),
            },
            source_options: SourceOptions {
                allow_http: true,
                allow_private: vec!["127.0.0.0/8".parse().unwrap()],
                tries: 2,
                ..SourceOptions::default()
            },
            store: None,
            catalog: None,
            ledger: None,
            collections: vec![CollectionOptions {
                name: COLLECTION.to_owned(),
                query: Some(QUERY.to_owned()),
                key: format!("{COLLECTION}/{{digest}}").parse().unwrap(),
                heal: true,
            }],
            observer: Arc::new(Silent),
            cancel: CancellationToken::new(),
        };
        world
            .sql(
                "CREATE TABLE packages (id INTEGER PRIMARY KEY, sha256, url TEXT, filename TEXT, \
                 size_bytes INTEGER, updated_at TEXT)",
            )
            .await;
        world
    }

    /// A healthy world of `n` objects, each with a row, a source and its bytes in the store.
    pub async fn healthy(n: u32) -> (Self, Vec<Object>) {
        let world = Self::empty().await;
        let objects: Vec<_> = (0..n).map(Object::nth).collect();
        for object in &objects {
            world.add(object).await;
        }
        (world, objects)
    }

    /// Adds an object: row, source and bytes.
    pub async fn add(&self, object: &Object) {
        self.serve(object);
        self.put(&object.key, &object.bytes);
        self.row(&self.row_of(object)).await;
    }

    /// Serves an object's bytes at its URL.
    pub fn serve(&self, object: &Object) {
        self.http.route(&path_of(object), [Answer::ok(object.bytes.clone())]);
    }

    /// Lets an object's source answer otherwise.
    pub fn answer(&self, object: &Object, answers: impl IntoIterator<Item = Answer>) {
        self.http.route(&path_of(object), answers);
    }

    /// The row that `add` writes.
    pub fn row_of(&self, object: &Object) -> Row {
        Row {
            digest: object.digest.to_string(),
            url: Some(self.http.url(&path_of(object))),
            name: Some(object.name.clone()),
            size: i64::try_from(object.bytes.len()).ok(),
            updated_at: None,
        }
    }

    /// Writes a row.
    pub async fn row(&self, row: &Row) {
        let mut connection = self.connection().await;
        sqlx::query(
            "INSERT INTO packages (sha256, url, filename, size_bytes, updated_at) \
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(&row.digest)
        .bind(&row.url)
        .bind(&row.name)
        .bind(row.size)
        .bind(&row.updated_at)
        .execute(&mut connection)
        .await
        .unwrap();
        connection.close().await.unwrap();
    }

    /// Runs SQL on the catalog, as its owner would.
    pub async fn sql(&self, sql: &str) {
        let mut connection = self.connection().await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    async fn connection(&self) -> SqliteConnection {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.catalog_file())
            .create_if_missing(true);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    pub fn catalog_file(&self) -> PathBuf {
        self.dir.path().join("catalog.db")
    }

    /// Where a key lies.
    pub fn path(&self, key: &str) -> PathBuf {
        self.dir.path().join("store").join(key)
    }

    pub fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.path(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn remove(&self, key: &str) {
        std::fs::remove_file(self.path(key)).unwrap();
    }

    /// What lies under a key.
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.path(key)).ok()
    }

    /// Every file of the store with its bytes, to compare before and after.
    pub fn store_content(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let root = self.dir.path().join("store");
        let (mut files, mut pending) = (BTreeMap::new(), vec![root.clone()]);
        while let Some(folder) = pending.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    pending.push(path);
                } else {
                    let key = path.strip_prefix(&root).unwrap().to_owned();
                    files.insert(key, std::fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    pub async fn open_store(&self) -> Arc<dyn HealStore> {
        if let Some(store) = &self.store {
            return Arc::clone(store);
        }
        let options = StoreOptions { url: "store".to_owned(), ..StoreOptions::default() };
        let observer = Arc::clone(&self.observer);
        let hook = OperationHook::new(move |op| observer.notice(&Event::StoreOperation(*op)));
        store::open_told(&options, self.dir.path(), hook).await.unwrap()
    }

    pub async fn open_catalog(&self) -> Arc<dyn Catalog> {
        if let Some(catalog) = &self.catalog {
            return Arc::clone(catalog);
        }
        let options = CatalogOptions {
            url: Some("sqlite://catalog.db".to_owned()),
            preset: Preset::Custom,
            ..CatalogOptions::default()
        };
        catalog::open(&options, &self.collections, self.dir.path()).await.unwrap()
    }

    pub async fn open_ledger(&self) -> Arc<dyn Ledger> {
        if let Some(ledger) = &self.ledger {
            return Arc::clone(ledger);
        }
        let store = self.open_store().await;
        ledger::open("sqlite://ledger.db", store.identity(), self.dir.path()).await.unwrap()
    }

    pub async fn auditor(&self) -> Auditor {
        Auditor {
            catalog: self.open_catalog().await,
            store: self.open_store().await,
            source: self.source().await,
            ledger: self.open_ledger().await,
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
            settings: self.settings.clone(),
            cancel: self.cancel.clone(),
        }
    }

    pub async fn healer(&self) -> Healer {
        Healer {
            catalog: self.open_catalog().await,
            store: self.open_store().await,
            source: self.source().await,
            ledger: self.open_ledger().await,
            clock: Arc::clone(&self.clock),
            observer: Arc::clone(&self.observer),
            options: self.settings.heal.clone(),
            tries: self.source_options.tries,
            chance: rand::random,
            cancel: self.cancel.clone(),
        }
    }

    pub async fn source(&self) -> Arc<dyn Source> {
        let texts = Arc::new(CatalogTexts(self.open_catalog().await));
        Arc::new(AllSources::new(&self.source_options, texts).unwrap())
    }

    /// A shallow audit of everything.
    pub async fn audit(&self) -> PassReport {
        self.try_audit(&request(Command::Audit)).await.unwrap()
    }

    /// A deep audit of everything.
    pub async fn audit_deep(&self) -> PassReport {
        self.try_audit(&deep(request(Command::Audit))).await.unwrap()
    }

    pub async fn try_audit(&self, request: &Request) -> Result<PassReport, PassFailure> {
        self.auditor().await.audit(request).await
    }

    /// A shallow heal of everything.
    pub async fn heal(&self) -> PassReport {
        self.try_heal(&request(Command::Heal)).await.unwrap()
    }

    /// A deep heal of everything.
    pub async fn heal_deep(&self) -> PassReport {
        self.try_heal(&deep(request(Command::Heal))).await.unwrap()
    }

    /// A heal of named objects.
    pub async fn heal_named(&self, digests: &[Digest]) -> PassReport {
        let named = Request { digests: Some(digests.to_vec()), ..request(Command::Heal) };
        self.try_heal(&named).await.unwrap()
    }

    pub async fn try_heal(&self, request: &Request) -> Result<PassReport, PassFailure> {
        self.auditor().await.heal(request, &self.healer().await).await
    }

    /// Puts the clock into the test's hands, where it stands now, and returns it.
    pub fn stop_the_clock(&mut self) -> Arc<ManualClock> {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        self.clock = shared;
        clock
    }
}

fn path_of(object: &Object) -> String {
    format!("/{}-{}", object.digest, object.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

/// A shallow request over everything.
pub fn request(command: Command) -> Request {
    Request {
        command,
        collections: Vec::new(),
        slice: Slice::WHOLE,
        deep: None,
        digests: None,
        replace_unreadable: false,
        fail_on: FailOn::default(),
        restraint: Restraint::default(),
    }
}

/// The same, reading every object.
pub fn deep(request: Request) -> Request {
    Request { deep: Some(Slice::WHOLE), ..request }
}
