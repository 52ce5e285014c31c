//! What only directories do: they are unmounted, replaced, linked, and changed in place.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken test should stop")]

mod not_files;

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use restock::model::{ObjectMeta, Slice, TEMPORARY_MARK, Upload};
use restock::store::{
    BoxError, Condition, HealStore, ListRequest, ListedPage, Probe, StoreError, StoreFault,
    StoreOptions, UploadJournal, open,
};
use tempfile::TempDir;

struct World {
    folder: TempDir,
    store: Arc<dyn HealStore>,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("store/p")).unwrap();
        let options = StoreOptions { url: "store".to_owned(), ..StoreOptions::default() };
        let store = open(&options, folder.path()).await.unwrap();
        Self { folder, store }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join("store").join(key)
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        fs::create_dir_all(self.path(key).parent().unwrap()).unwrap();
        fs::write(self.path(key), bytes).unwrap();
    }

    fn request(layout: &str) -> ListRequest {
        let layout = layout.parse().unwrap();
        ListRequest { layout, slice: Slice::WHOLE, concurrency: 1 }
    }

    async fn listed(&self) -> Result<ListedPage, StoreError> {
        let pages: Vec<_> = self.store.list(Self::request("p/{digest}")).try_collect().await?;
        let mut whole = ListedPage::default();
        for page in pages {
            whole.objects.extend(page.objects);
            whole.unaddressable.extend(page.unaddressable);
        }
        whole.objects.sort_by(|a, b| a.key.cmp(&b.key));
        whole.unaddressable.sort();
        Ok(whole)
    }

    /// The directory is away, as an unmounted one is: an empty one stands in its place.
    fn unmount(&self) {
        fs::rename(self.path(""), self.folder.path().join("elsewhere")).unwrap();
        fs::create_dir_all(self.path("p")).unwrap();
    }

    async fn fault_of_probe(&self, key: &str) -> StoreFault {
        match self.store.probe(key).await {
            Probe::Unknown(error) => error.fault,
            other @ (Probe::Absent | Probe::Present(_)) => panic!("{key}: {other:?}"),
        }
    }
}

#[derive(Default)]
struct Journal(Mutex<Vec<Upload>>);

#[async_trait]
impl UploadJournal for Journal {
    async fn begun(&self, upload: &Upload) -> Result<(), BoxError> {
        self.0.lock().unwrap().push(upload.clone());
        Ok(())
    }

    async fn ended(&self, upload: &Upload) -> Result<(), BoxError> {
        self.0.lock().unwrap().retain(|open| open != upload);
        Ok(())
    }
}

#[tokio::test]
async fn an_unmounted_directory_is_neither_empty_nor_a_place_to_write() {
    let world = World::new().await;
    world.put("p/a", b"x");
    let mut staged = world.store.stage("p/b", None, Arc::<Journal>::default()).await.unwrap();
    staged.write(Bytes::from_static(b"proven")).await.unwrap();
    staged.seal().await.unwrap();

    world.unmount();
    let error = world.store.check().await.unwrap_err();
    assert_eq!(error.fault, StoreFault::NoSuchStore);
    assert!(error.to_string().contains("replaced or unmounted"), "{error}");
    assert_eq!(world.listed().await.unwrap_err().fault, StoreFault::NoSuchStore);
    assert_eq!(world.fault_of_probe("p/b").await, StoreFault::NoSuchStore);
    let error = staged.publish(Condition::Absent).await.unwrap_err();
    assert_eq!(error.fault, StoreFault::NoSuchStore);
    let error = world.store.stage("p/c", None, Arc::<Journal>::default()).await.err().unwrap();
    assert_eq!(error.fault, StoreFault::NoSuchStore);
    assert_eq!(fs::read_dir(world.path("p")).unwrap().count(), 0);

    fs::remove_dir_all(world.path("")).unwrap();
    assert_eq!(world.store.check().await.unwrap_err().fault, StoreFault::NoSuchStore);
}

#[tokio::test]
async fn a_directory_that_is_replaced_while_it_is_listed_gives_no_verdict() {
    for whole in [true, false] {
        let world = World::new().await;
        for n in 0..20_000 {
            world.put(&format!("p/{n:05}"), b"");
        }
        let mut pages = world.store.list(World::request("p/{digest}"));
        let first = pages.next().await.unwrap().unwrap();
        assert!(!first.objects.is_empty());
        if whole {
            world.unmount();
        } else {
            fs::rename(world.path("p"), world.path("q")).unwrap();
            fs::create_dir(world.path("p")).unwrap();
        }
        let rest: Result<Vec<_>, _> = pages.try_collect().await;
        assert_eq!(rest.unwrap_err().fault, StoreFault::NoSuchStore, "whole: {whole}");
    }
}

#[tokio::test]
async fn a_file_that_vanishes_while_the_folder_is_listed_is_simply_not_listed() {
    let world = World::new().await;
    for n in 0..8_000 {
        world.put(&format!("p/{n:05}"), b"");
    }
    let mut pages = world.store.list(World::request("p/{digest}"));
    let mut listed = pages.next().await.unwrap().unwrap().objects.len();
    for n in 0..8_000 {
        fs::remove_file(world.path(&format!("p/{n:05}"))).unwrap();
    }
    while let Some(page) = pages.next().await {
        listed += page.unwrap().objects.len();
    }
    assert!(listed < 8_000, "the folder was emptied after its first pages: {listed}");
}

#[tokio::test]
async fn links_are_followed_to_files_inside_and_nowhere_else() {
    let world = World::new().await;
    world.put("p/file", b"bytes");
    world.put("elsewhere/file", b"longer bytes");
    fs::write(world.folder.path().join("outside"), b"secret").unwrap();
    let outside = world.folder.path().join("outside");
    for (link, target) in [
        ("p/beside", PathBuf::from("file")),
        ("p/inside", PathBuf::from("../elsewhere/file")),
        ("p/broken", PathBuf::from("nothing")),
        ("p/loop", PathBuf::from("loop")),
        ("p/folder", PathBuf::from("../elsewhere")),
        ("p/up", PathBuf::from("..")),
        ("p/absolute", outside.clone()),
        ("p/escape", PathBuf::from("../../outside")),
    ] {
        symlink(target, world.path(link)).unwrap();
    }
    let listed = world.listed().await.unwrap();
    let objects: Vec<_> = listed.objects.iter().map(|o| (o.key.as_str(), o.size)).collect();
    assert_eq!(objects, [("p/beside", 5), ("p/file", 5), ("p/inside", 12)]);
    let refused = ["p/absolute", "p/broken", "p/escape", "p/folder", "p/loop", "p/up"];
    assert_eq!(listed.unaddressable, refused);

    for key in ["p/absolute", "p/escape"] {
        assert_eq!(world.fault_of_probe(key).await, StoreFault::AccessDenied, "{key}");
        assert!(world.store.read(key).await.is_err(), "{key}");
    }
    assert!(!matches!(world.store.probe("p/loop").await, Probe::Present(_)));
    for key in ["p/broken", "p/broken/file", "p/folder", "p/up"] {
        assert_eq!(world.fault_of_probe(key).await, StoreFault::NotAFile, "{key}");
    }

    // What is published replaces the link, not the file behind it.
    let Probe::Present(read) = world.store.probe("p/inside").await else { panic!("not there") };
    world.store.set_aside("p/inside", "aside/inside").await.unwrap();
    let mut staged = world.store.stage("p/inside", None, Arc::<Journal>::default()).await.unwrap();
    staged.write(Bytes::from_static(b"proven")).await.unwrap();
    staged.publish(Condition::Replaces(read)).await.unwrap();
    assert_eq!(fs::read(world.path("p/inside")).unwrap(), b"proven");
    assert_eq!(fs::read(world.path("elsewhere/file")).unwrap(), b"longer bytes");
    assert_eq!(fs::read(world.path("aside/inside")).unwrap(), b"longer bytes");
    assert!(!world.path("aside/inside").is_symlink());
}

#[tokio::test]
async fn names_that_no_key_can_have_are_told_and_stop_nothing() {
    let world = World::new().await;
    world.put("p/fine", b"x");
    for name in [&b"caf\xe9"[..], b"line\nbreak", b"\x1b[2J"] {
        fs::write(world.path("p").join(OsStr::from_bytes(name)), b"x").unwrap();
    }
    let folder = world.path("p").join(OsStr::from_bytes(b"folder\xff"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("inside"), b"x").unwrap();
    let listed = world.listed().await.unwrap();
    assert_eq!(listed.objects.len(), 1);
    let told = ["p/\\u{1b}[2J", "p/caf\\xe9", "p/folder\\xff", "p/line\\nbreak"];
    assert_eq!(listed.unaddressable, told);
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_leaves_the_whole_listing_without_a_verdict() {
    let world = World::new().await;
    world.put("p/closed/file", b"x");
    fs::set_permissions(world.path("p/closed"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(world.path("p/closed")).is_ok() {
        // The superuser may read it all the same; a file where the folder should be stands in.
        eprintln!("permissions do not bind this user");
        fs::set_permissions(world.path("p/closed"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::remove_dir_all(world.path("p")).unwrap();
        world.put("p", b"a file");
        let error = world.listed().await.unwrap_err();
        assert_eq!(error.fault, StoreFault::NotAFile, "{error}");
        assert_eq!(world.fault_of_probe("p/file").await, StoreFault::NotAFile);
        return;
    }
    let error = world.listed().await.unwrap_err();
    assert_eq!(error.fault, StoreFault::AccessDenied);
    assert!(error.to_string().contains("p/closed"), "{error}");
    assert_eq!(world.fault_of_probe("p/closed/file").await, StoreFault::AccessDenied);
    fs::set_permissions(world.path("p/closed"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_file_that_is_changed_while_it_is_read_is_no_reading() {
    let changes: [fn(&mut fs::File); 3] = [
        |file| file.set_len(300_000).unwrap(),
        |file| file.write_all(b"other bytes, same size").unwrap(),
        |file| file.set_len(3_000_000).unwrap(),
    ];
    for change in changes {
        let world = World::new().await;
        world.put("p/large", &vec![7; 2 << 20]);
        // The clock of a file system may stand still for some milliseconds.
        let file = OpenOptions::new().write(true).open(world.path("p/large")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let mut reading = world.store.read("p/large").await.unwrap();
        assert_eq!(reading.meta.size, 2 << 20);
        reading.body.next().await.unwrap().unwrap();
        change(&mut OpenOptions::new().write(true).open(world.path("p/large")).unwrap());
        let rest: Result<Vec<Bytes>, _> = reading.body.try_collect().await;
        let error = rest.unwrap_err();
        assert_eq!(error.fault, StoreFault::Conflict);
        assert!(error.to_string().contains("changed while it was read"), "{error}");
    }
}

#[tokio::test]
async fn a_reading_goes_on_with_the_file_that_it_began_with() {
    let world = World::new().await;
    world.put("p/large", &vec![7; 1 << 20]);
    let reading = world.store.read("p/large").await.unwrap();
    world.put("p/new", b"new");
    fs::rename(world.path("p/new"), world.path("p/large")).unwrap();
    let chunks: Vec<Bytes> = reading.body.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), vec![7; 1 << 20]);
}

#[tokio::test]
async fn published_files_may_be_read_by_others_and_a_version_is_told_from_the_next() {
    let world = World::new().await;
    let publish = async |bytes: &'static [u8], condition| {
        let journal = Arc::<Journal>::default();
        let mut staged = world.store.stage("p/new/a", None, journal).await.unwrap();
        staged.write(Bytes::from_static(bytes)).await.unwrap();
        staged.publish(condition).await.unwrap();
        let Probe::Present(meta) = world.store.probe("p/new/a").await else { panic!("absent") };
        meta
    };
    let first = publish(b"same size", Condition::Absent).await;
    let mode = fs::metadata(world.path("p/new/a")).unwrap().permissions().mode() & 0o777;
    // What the umask leaves of it, as it leaves of any file made with this mode.
    let plain = world.path("plain");
    let mut options = OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.create_new(true).write(true), 0o644);
    drop(options.open(&plain).unwrap());
    assert_eq!(mode, fs::metadata(&plain).unwrap().permissions().mode() & 0o777);

    let second = publish(b"equal siz", Condition::Replaces(first.clone())).await;
    assert_eq!(first.size, second.size);
    assert_ne!(first.etag, second.etag);
    assert_eq!(fs::read_dir(world.path("p/new")).unwrap().count(), 1);
}

#[tokio::test]
async fn what_a_crash_left_is_unlisted_and_only_that_is_swept() {
    let world = World::new().await;
    let journal = Arc::<Journal>::default();
    let staged = world.store.stage("p/a", None, Arc::<Journal>::clone(&journal)).await.unwrap();
    drop(staged);
    let upload = journal.0.lock().unwrap().first().cloned().unwrap();
    assert!(world.path(&upload.id).exists() && upload.id.starts_with("p/"));
    assert!(upload.id.contains(TEMPORARY_MARK));
    assert_eq!(world.listed().await.unwrap(), ListedPage::default());

    world.put("p/object", b"x");
    for id in ["p/object", "p/../p/object", "/etc/hostname", "p"] {
        let refused = world.store.sweep(&Upload { key: "p/a".into(), id: id.into() }).await;
        assert!(refused.is_err(), "{id}");
    }
    world.store.sweep(&upload).await.unwrap();
    assert!(!world.path(&upload.id).exists() && world.path("p/object").exists());
}

#[tokio::test]
async fn a_corrupt_file_that_is_mended_in_place_meanwhile_is_not_replaced() {
    let world = World::new().await;
    world.put("p/a", b"corrupt");
    let Probe::Present(read) = world.store.probe("p/a").await else { panic!("absent") };
    let mut staged = world.store.stage("p/a", None, Arc::<Journal>::default()).await.unwrap();
    staged.write(Bytes::from_static(b"ours")).await.unwrap();
    world.put("p/a", b"mended by hand");
    let error = staged.publish(Condition::Replaces(read)).await.unwrap_err();
    assert_eq!(error.fault, StoreFault::Conflict);
    assert_eq!(fs::read(world.path("p/a")).unwrap(), b"mended by hand");
    assert_eq!(fs::read_dir(world.path("p")).unwrap().count(), 1);

    fs::remove_file(world.path("p/a")).unwrap();
    let staged = world.store.stage("p/a", None, Arc::<Journal>::default()).await.unwrap();
    let gone = staged.publish(Condition::Replaces(ObjectMeta::default())).await.unwrap_err();
    assert_eq!(gone.fault, StoreFault::Conflict);
}

/// How many writes this process has asked the kernel for.
fn writes() -> u64 {
    let counters = fs::read_to_string("/proc/self/io").unwrap();
    let writes = counters.lines().find_map(|line| line.strip_prefix("syscw: ")).unwrap();
    writes.parse().unwrap()
}

#[tokio::test]
async fn a_hundred_thousand_chunks_of_one_byte_are_a_handful_of_writes() {
    let world = World::new().await;
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut staged = world.store.stage("p/a", None, Arc::<Journal>::default()).await.unwrap();
    let before = writes();
    for byte in &bytes {
        staged.write(Bytes::copy_from_slice(&[*byte])).await.unwrap();
    }
    staged.publish(Condition::Absent).await.unwrap();
    let asked = writes() - before;
    assert!(asked < 1000, "{asked} writes for {} chunks", bytes.len());
    assert_eq!(fs::read(world.path("p/a")).unwrap(), bytes);
}
