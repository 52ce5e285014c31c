//! One kind of place after the other for the same tests: a store, and a way behind its back.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use restock::model::{Digest, KeyTemplate, ObjectMeta, Slice, Upload};
use restock::store::{
    BoxError, HealStore, ListRequest, Observed, Probe, RemovingStore, Staged, Store, StoreError,
    StoreOptions, UploadJournal, open_removing,
};
use tempfile::TempDir;

use super::memory_store::MemoryStore;
use super::s3::{Bucket, Server};

/// Where the bytes really lie.
pub(crate) enum Place {
    Directory(TempDir),
    Memory(MemoryStore),
    S3(Bucket),
}

/// A store and its place.
pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) store: Arc<dyn HealStore>,
    /// The same with what only a person's own commands get.
    pub(crate) removing: Arc<dyn RemovingStore>,
}

impl World {
    pub(crate) async fn directory() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { url: "objects é%41".to_owned(), ..StoreOptions::default() };
        fs::create_dir(folder.path().join(&options.url)).unwrap();
        let store = open_removing(&options, folder.path()).await.unwrap();
        Some(Self::of(Place::Directory(folder), store))
    }

    #[expect(clippy::unused_async, reason = "the worlds are made alike")]
    pub(crate) async fn memory() -> Option<Self> {
        let memory = MemoryStore::new();
        Some(Self::of(Place::Memory(memory.clone()), Arc::new(memory)))
    }

    pub(crate) async fn moto() -> Option<Self> {
        Self::s3(Server::Moto).await
    }

    pub(crate) async fn juicefs() -> Option<Self> {
        Self::s3(Server::JuiceFs).await
    }

    async fn s3(server: Server) -> Option<Self> {
        let bucket = server.bucket()?;
        let store = open_removing(&bucket.options(), "/".as_ref()).await.unwrap();
        Some(Self::of(Place::S3(bucket), store))
    }

    fn of(place: Place, removing: Arc<dyn RemovingStore>) -> Self {
        let same = Arc::clone(&removing);
        Self { place, store: same, removing }
    }

    pub(crate) fn is(&self, server: Server) -> bool {
        matches!(&self.place, Place::S3(bucket) if bucket.server == server)
    }

    /// Whether a write that finds something else than it was told is refused.
    pub(crate) fn honours_conditions(&self) -> bool {
        !self.is(Server::JuiceFs)
    }

    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) {
        match &self.place {
            Place::Directory(_) => {
                let path = self.file(key);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
            Place::Memory(memory) => memory.put(key, Bytes::copy_from_slice(bytes)),
            Place::S3(bucket) => bucket.put(key, bytes).await,
        }
    }

    pub(crate) async fn remove(&self, key: &str) {
        match &self.place {
            Place::Directory(_) => fs::remove_file(self.file(key)).unwrap(),
            Place::Memory(memory) => memory.remove(key),
            Place::S3(bucket) => bucket.remove(key).await,
        }
    }

    pub(crate) async fn get(&self, key: &str) -> Option<Bytes> {
        match &self.place {
            Place::Directory(_) => fs::read(self.file(key)).ok().map(Bytes::from),
            Place::Memory(memory) => memory.get(key),
            Place::S3(bucket) => bucket.get(key).await,
        }
    }

    /// Every key there is, temporary names included.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let mut keys = match &self.place {
            Place::Directory(_) => files(&self.file("")),
            Place::Memory(memory) => memory.keys(),
            Place::S3(bucket) => bucket.keys().await,
        };
        keys.sort();
        keys
    }

    /// The path of a key's file.
    pub(crate) fn file(&self, key: &str) -> PathBuf {
        let Place::Directory(folder) = &self.place else { panic!("no directory") };
        folder.path().join("objects é%41").join(key)
    }
}

fn files(root: &std::path::Path) -> Vec<String> {
    let (mut found, mut pending) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// A listing gathered and sorted: objects, and what cannot be addressed.
pub(crate) async fn listed(
    store: &dyn Store,
    layout: &str,
    slice: Slice,
) -> Result<(Vec<Observed>, Vec<String>), StoreError> {
    let layout: KeyTemplate = layout.parse().unwrap();
    let pages: Vec<_> =
        store.list(ListRequest { layout, slice, concurrency: 16 }).try_collect().await?;
    let (mut objects, mut unaddressable) = (Vec::new(), Vec::new());
    for page in pages {
        objects.extend(page.objects);
        unaddressable.extend(page.unaddressable);
    }
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    unaddressable.sort();
    Ok((objects, unaddressable))
}

/// Takes uploads down as a ledger does.
#[derive(Default)]
pub(crate) struct Journal {
    open: Mutex<Vec<Upload>>,
    refuses: bool,
}

impl Journal {
    /// One that takes nothing down.
    pub(crate) fn refusing() -> Self {
        Self { refuses: true, ..Self::default() }
    }

    pub(crate) fn open(&self) -> Vec<Upload> {
        self.open.lock().unwrap().clone()
    }
}

#[async_trait]
impl UploadJournal for Journal {
    async fn begun(&self, upload: &Upload) -> Result<(), BoxError> {
        if self.refuses {
            return Err("the ledger is gone".into());
        }
        self.open.lock().unwrap().push(upload.clone());
        Ok(())
    }

    async fn ended(&self, upload: &Upload) -> Result<(), BoxError> {
        self.open.lock().unwrap().retain(|open| open != upload);
        Ok(())
    }
}

pub(crate) fn digest(n: u64) -> Digest {
    let mut bytes = [0x11; 32];
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Digest::new(bytes)
}

pub(crate) fn key(n: u64) -> String {
    format!("installers/{}", digest(n))
}

pub(crate) async fn keys_of(world: &World, layout: &str, slice: Slice) -> Vec<String> {
    let (objects, _) = listed(world.store.as_ref(), layout, slice).await.unwrap();
    objects.into_iter().map(|object| object.key).collect()
}

pub(crate) async fn present(world: &World, key: &str) -> ObjectMeta {
    match world.store.probe(key).await {
        Probe::Present(meta) => meta,
        other @ (Probe::Absent | Probe::Unknown(_)) => panic!("{key}: {other:?}"),
    }
}

pub(crate) async fn read(world: &World, key: &str) -> Vec<u8> {
    let reading = world.store.read(key).await.unwrap();
    let chunks: Vec<Bytes> = reading.body.try_collect().await.unwrap();
    chunks.concat()
}

pub(crate) async fn stage(
    world: &World,
    key: &str,
    journal: &Arc<Journal>,
    bytes: &[u8],
) -> Box<dyn Staged> {
    let size = Some(bytes.len() as u64);
    let mut staged = world.store.stage(key, size, Arc::clone(journal) as _).await.unwrap();
    for chunk in bytes.chunks(50_000) {
        staged.write(Bytes::copy_from_slice(chunk)).await.unwrap();
    }
    staged
}

/// Bytes that no compression or repetition hides a mistake in.
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
