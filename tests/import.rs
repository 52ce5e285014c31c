//! Import: files and manifests become objects, rows and sources, and nothing else happens.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

#[path = "support/memory_store.rs"]
mod memory_store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use memory_store::{MemoryStore, Moment, Operation};
use restock::catalog::{self, CatalogOptions, EmbeddedCatalog};
use restock::import::{ImportError, ImportMessage, ImportOptions, ImportReport, Importer, Stored};
use restock::model::{CatalogRow, Collection, Digest, Upload};
use restock::observe::Silent;
use restock::store::{BoxError, StoreFault, UploadJournal};
use sha2::Digest as _;
use tempfile::TempDir;

/// Writes nothing down.
struct NoJournal;

#[async_trait]
impl UploadJournal for NoJournal {
    async fn begun(&self, _: &Upload) -> Result<(), BoxError> {
        Ok(())
    }

    async fn ended(&self, _: &Upload) -> Result<(), BoxError> {
        Ok(())
    }
}

struct World {
    folder: TempDir,
    store: MemoryStore,
    options: ImportOptions,
}

impl World {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            store: MemoryStore::new(),
            options: ImportOptions {
                source_url_base: Some("https://h.example/pkgs/".to_owned()),
                ..ImportOptions::default()
            },
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    async fn try_import(&self, paths: &[&Path]) -> Result<ImportReport, ImportError> {
        let mut catalog = EmbeddedCatalog::create_or_open(&self.path("catalog.db")).await.unwrap();
        let importer = Importer::new(
            &mut catalog,
            Arc::new(self.store.clone()),
            Arc::new(NoJournal),
            Arc::new(Silent),
            self.options.clone(),
        )?;
        let paths: Vec<_> = paths.iter().map(|path| path.to_path_buf()).collect();
        let report = importer.run(&paths).await;
        catalog.close().await.unwrap();
        report
    }

    async fn import(&self, path: &Path) -> ImportReport {
        self.try_import(&[path]).await.unwrap()
    }

    /// Each row of the catalog, with its collection, sorted.
    async fn rows(&self, digests: &[Digest]) -> Vec<(String, CatalogRow)> {
        let options = CatalogOptions {
            url: Some("sqlite://catalog.db".to_owned()),
            ..CatalogOptions::default()
        };
        let catalog = catalog::open(&options, &[], self.folder.path()).await.unwrap();
        let mut found = Vec::new();
        for collection in catalog.collections() {
            for row in catalog.rows(collection, digests).await.unwrap() {
                found.push((collection.name.clone(), row));
            }
        }
        found.sort_by_key(|(_, row)| row.sources.url.clone());
        found
    }

    async fn sources(&self, digest: Digest) -> Vec<String> {
        self.rows(&[digest]).await.into_iter().filter_map(|(_, row)| row.sources.url).collect()
    }
}

fn digest_of(bytes: impl AsRef<[u8]>) -> Digest {
    Digest::new(sha2::Sha256::digest(bytes).into())
}

fn key(digest: Digest) -> String {
    format!("software-installers/{digest}")
}

fn problem(report: &ImportReport) -> String {
    let failed: Vec<_> = report
        .messages
        .iter()
        .filter_map(|message| match message {
            ImportMessage::Failed { problem, .. } => Some(problem.clone()),
            ImportMessage::Imported { .. }
            | ImportMessage::Registered { .. }
            | ImportMessage::Skipped { .. } => None,
        })
        .collect();
    assert_eq!((report.failed, failed.len()), (1, 1), "{report:?}");
    failed[0].clone()
}

#[tokio::test]
async fn a_file_becomes_an_object_a_row_and_a_source() {
    let world = World::new();
    let path = world.write("in/mac os/a+b.pkg", b"bytes");
    let report = world.import(&path).await;
    let digest = digest_of(b"bytes");
    let message = ImportMessage::Imported {
        path,
        digest,
        name: "a+b.pkg".to_owned(),
        stored: Stored::Stored,
    };
    assert!(message.to_string().ends_with("a+b.pkg  stored"), "{message}");
    assert_eq!(report.messages, [message]);
    assert_eq!((report.stored, report.new_rows, report.new_sources), (1, 1, 1));
    assert_eq!(world.store.get(&key(digest)).unwrap(), "bytes");
    let rows = world.rows(&[digest]).await;
    assert_eq!(rows[0].0, "software-installers");
    assert_eq!(rows[0].1.name.as_deref(), Some("a+b.pkg"));
    assert_eq!(rows[0].1.size, Some(5));
    assert_eq!(rows[0].1.sources.url.as_deref(), Some("https://h.example/pkgs/a%2Bb.pkg"));
}

#[tokio::test]
async fn a_folder_is_imported_in_sorted_order_and_the_same_bytes_once() {
    let world = World::new();
    for (name, bytes) in [("in/b/c.pkg", "one"), ("in/a.pkg", "two"), ("in/d é.pkg", "one")] {
        world.write(name, bytes);
    }
    let report = world.import(&world.path("in")).await;
    let told: Vec<_> = report
        .messages
        .iter()
        .filter_map(|message| match message {
            ImportMessage::Imported { name, stored, .. } => Some((name.as_str(), *stored)),
            ImportMessage::Registered { .. }
            | ImportMessage::Skipped { .. }
            | ImportMessage::Failed { .. } => None,
        })
        .collect();
    let expected =
        [("a.pkg", Stored::Stored), ("c.pkg", Stored::Stored), ("d é.pkg", Stored::AlreadyThere)];
    assert_eq!(told, expected);
    assert_eq!((report.stored, report.already_there, report.new_rows), (2, 1, 2));
    let expected = ["https://h.example/pkgs/b/c.pkg", "https://h.example/pkgs/d%20%C3%A9.pkg"];
    assert_eq!(world.sources(digest_of("one")).await, expected);
}

#[tokio::test]
async fn importing_again_changes_nothing_and_adds_new_sources() {
    let mut world = World::new();
    let path = world.write("in/a.pkg", "one");
    world.import(&path).await;
    let before = std::fs::read(world.path("catalog.db")).unwrap();
    let again = world.import(&world.path("in")).await;
    assert_eq!((again.already_there, again.new_rows, again.new_sources), (1, 0, 0));
    assert_eq!(std::fs::read(world.path("catalog.db")).unwrap(), before);
    world.options.source_url_base = Some("https://mirror.example".to_owned());
    let elsewhere = world.import(&path).await;
    assert_eq!((elsewhere.stored, elsewhere.new_rows, elsewhere.new_sources), (0, 0, 1));
    let expected = ["https://h.example/pkgs/a.pkg", "https://mirror.example/a.pkg"];
    assert_eq!(world.sources(digest_of("one")).await, expected);
}

#[tokio::test]
async fn a_manifest_registers_rows_and_sources_and_stores_nothing() {
    let world = World::new();
    let (one, two) = (digest_of("one"), digest_of("two"));
    let text = format!("# ours\n{one}  https://h/a%20b.pkg?t=SECRET\n{two} https://h/c\n");
    let path = world.write("manifest.txt", text);
    world.store.fail(Operation::Check, "", 9, StoreFault::NoSuchStore);
    let report = world.import(&path).await;
    assert_eq!((report.registered, report.new_rows, report.new_sources), (2, 2, 2));
    assert!(!report.messages[0].to_string().contains("SECRET"), "{}", report.messages[0]);
    assert!(world.store.keys().is_empty());
    let rows = world.rows(&[one]).await;
    assert_eq!((rows[0].1.name.as_deref(), rows[0].1.size), (Some("a b.pkg"), None));
    assert_eq!(rows[0].1.sources.url.as_deref(), Some("https://h/a%20b.pkg?t=SECRET"));
    assert_eq!(world.import(&path).await.new_rows, 0);
}

#[tokio::test]
async fn a_manifest_with_a_bad_line_registers_the_others_and_is_never_stored() {
    let world = World::new();
    let one = digest_of("one");
    let bad = world.write("manifest.txt", format!("{one} https://h/a\n{one} nothing\n"));
    let good = world.write("good.pkg", "good");
    let report = world.try_import(&[&bad, &good]).await.unwrap();
    assert!(problem(&report).contains("line 2 of this manifest"), "{report:?}");
    assert_eq!((report.stored, report.registered), (1, 1));
    assert_eq!(world.sources(one).await, ["https://h/a"]);
    assert_eq!(world.store.keys(), [key(digest_of("good"))]);
}

#[tokio::test]
async fn a_manifest_from_another_system_is_read_or_refused_and_never_stored() {
    let world = World::new();
    let one = digest_of("one");
    let upper = one.to_string().to_uppercase();
    let marked = format!("\u{feff}{upper} *https://h/a\r\n{one}\thttps://h/b\r\n");
    let wide: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [marked.into_bytes(), wide] {
        let path = world.write("manifest.txt", bytes);
        let report = world.import(&path).await;
        assert_eq!((report.registered, report.failed), (2, 0), "{report:?}");
    }
    assert_eq!(world.sources(one).await, ["https://h/a", "https://h/b"]);
    let first = world.write("first.txt", format!("{one} ftp://h/a\n{one} https://h/c\n"));
    let report = world.import(&first).await;
    assert_eq!((report.registered, report.failed), (1, 1), "{report:?}");
    assert!(problem(&report).contains("line 1 of this manifest has no http"), "{report:?}");
    let list = world.write("SHA256SUMS", format!("{one} *a.pkg\n"));
    assert!(problem(&world.import(&list).await).contains("line 1 of this manifest names a file"));
    assert!(world.store.keys().is_empty());
}

#[tokio::test]
async fn a_manifest_inside_of_a_folder_is_a_file() {
    let world = World::new();
    let text = format!("{} https://h/a\n", digest_of("one"));
    world.write("in/manifest.txt", &text);
    let report = world.import(&world.path("in")).await;
    assert_eq!((report.stored, report.registered), (1, 0));
    assert_eq!(world.store.keys(), [key(digest_of(&text))]);
}

#[tokio::test]
async fn symlinks_and_special_files_are_skipped_and_told() {
    let world = World::new();
    let path = world.write("in/a.pkg", "one");
    std::os::unix::fs::symlink(&path, world.path("in/link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(world.path("in/socket")).unwrap();
    let report = world.import(&world.path("in")).await;
    assert_eq!((report.stored, report.skipped, report.failed), (1, 2, 0));
    let link = world.import(&world.path("in/link")).await;
    assert_eq!((link.stored + link.already_there, link.skipped), (0, 1));
    assert!(link.messages[0].to_string().contains("symlink"), "{}", link.messages[0]);
}

#[tokio::test]
async fn a_path_that_is_not_there_is_told_and_the_rest_goes_on() {
    let world = World::new();
    let path = world.write("a.pkg", "one");
    let report = world.try_import(&[&world.path("none"), &path]).await.unwrap();
    assert!(problem(&report).contains("No such file"), "{report:?}");
    assert_eq!(report.stored, 1);
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_imported_is_not_published() {
    let world = World::new();
    let path = world.write("a.pkg", "one");
    let changing = path.clone();
    world.store.once(Moment::Before, Operation::Stage, move |_| {
        std::fs::write(changing, "two").unwrap();
    });
    let report = world.import(&path).await;
    assert!(problem(&report).contains("changed while it was imported"), "{report:?}");
    assert!(world.store.keys().is_empty());
    assert_eq!(world.store.open_uploads(), []);
    assert!(world.rows(&[digest_of("one"), digest_of("two")]).await.is_empty());
}

#[tokio::test]
async fn an_object_of_another_size_is_left_alone_and_told() {
    let world = World::new();
    let path = world.write("a.pkg", "one");
    let key = key(digest_of("one"));
    world.store.put(&key, "other");
    let report = world.import(&path).await;
    assert!(problem(&report).contains("5 bytes in place of 3"), "{report:?}");
    assert_eq!(world.store.get(&key).unwrap(), "other");
}

#[tokio::test]
async fn an_object_that_appears_while_the_file_is_sent_is_read_and_not_replaced() {
    for bytes in ["one", "ONE"] {
        let world = World::new();
        let path = world.write("a.pkg", "one");
        let key = key(digest_of("one"));
        world.store.once(Moment::Before, Operation::Seal, move |store| store.put(&key, bytes));
        let report = world.import(&path).await;
        if bytes == "one" {
            assert_eq!((report.stored, report.already_there), (0, 1));
        } else {
            assert!(problem(&report).contains("other bytes"), "{report:?}");
        }
        assert_eq!(world.store.get(&self::key(digest_of("one"))).unwrap(), bytes);
        assert_eq!(world.store.open_uploads(), []);
    }
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_a_probe() {
    let world = World::new();
    let path = world.write("a.pkg", "one");
    world.store.fail(Operation::PublishAnswer, "", 1, StoreFault::Timeout);
    let report = world.import(&path).await;
    assert_eq!((report.stored, report.new_rows), (1, 1));
}

#[tokio::test]
async fn a_store_that_cannot_say_gets_no_object_and_the_catalog_no_row() {
    let world = World::new();
    let path = world.write("a.pkg", "one");
    world.store.fail(Operation::Probe, "", 9, StoreFault::AccessDenied);
    let report = world.import(&path).await;
    assert!(problem(&report).contains("access_denied"), "{report:?}");
    assert!(world.store.keys().is_empty() && world.rows(&[digest_of("one")]).await.is_empty());
}

#[tokio::test]
async fn a_store_that_is_not_there_ends_the_import() {
    let world = World::new();
    let path = world.write("a.pkg", "one");
    world.store.fail(Operation::Check, "", 9, StoreFault::NoSuchStore);
    let error = world.try_import(&[&path]).await.unwrap_err();
    assert!(matches!(error, ImportError::Store(_)), "{error:?}");
}

#[tokio::test]
async fn a_row_keeps_its_collection_and_its_object_goes_there() {
    let mut world = World::new();
    let path = world.write("a.png", "one");
    let digest = digest_of("one");
    world.options.collection = Some("icons".to_owned());
    world.options.collections = vec![Collection {
        name: "icons".to_owned(),
        key: "i/{digest:2}/{digest}".parse().unwrap(),
        heal: true,
    }];
    world.import(&path).await;
    let overridden = format!("i/{}/{digest}", &digest.to_string()[..2]);
    assert_eq!(world.store.keys(), [overridden]);
    world.options.collection = None;
    assert_eq!(world.import(&path).await.already_there, 1);
    let rows = world.rows(&[digest]).await;
    assert_eq!((rows.len(), rows[0].0.as_str()), (1, "icons"));
}

#[tokio::test]
async fn options_that_make_no_key_or_url_are_refused_before_anything_happens() {
    let mut world = World::new();
    let path = world.write("a.pkg", "one");
    world.options.collection = Some("a/b".to_owned());
    let error = world.try_import(&[&path]).await.unwrap_err();
    assert!(error.to_string().contains("collection `a/b`"), "{error}");
    world.options.collection = None;
    world.options.source_url_base = Some("h.example".to_owned());
    let error = world.try_import(&[&path]).await.unwrap_err();
    assert!(error.to_string().contains("--source-url-base `h.example`"), "{error}");
    assert!(world.store.keys().is_empty());
}

#[tokio::test]
async fn many_files_are_all_registered() {
    let world = World::new();
    for n in 0..250 {
        world.write(&format!("in/{n}"), format!("bytes {n}"));
    }
    let report = world.import(&world.path("in")).await;
    assert_eq!((report.stored, report.new_rows), (250, 250));
    assert_eq!(world.store.keys().len(), 250);
}
