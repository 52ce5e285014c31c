//! A catalog whose rows name more sources than a query of SQL does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use restock::model::{Digest, MAINTAINED_APP, SCRIPT};

use crate::memory_catalog::{Cell, MemoryCatalog, Row};
use crate::support::fetching::CANARY;
use crate::support::world::{COLLECTION, Object, World};

/// A copy of a world's catalog, with manifests and texts for some digests.
pub(crate) struct Rich {
    catalog: MemoryCatalog,
    fails: Arc<AtomicBool>,
}

impl Rich {
    /// Takes the place of a world's own catalog from now on.
    pub(crate) async fn of(world: &mut World) -> Self {
        let catalog = MemoryCatalog::copy_of(&*world.open_catalog().await, &world.clock).await;
        let rich = Self { catalog, fails: Arc::default() };
        let fails = Arc::clone(&rich.fails);
        let hindrance = move |action: &'static str, _: &str| {
            if action == "script" && fails.load(Ordering::SeqCst) {
                return Err(format!("mysql://u:{CANARY}@db/fleet went away"));
            }
            Ok(())
        };
        world.catalog = Some(Arc::new(rich.catalog.clone().hindered(Arc::new(hindrance))));
        rich
    }

    /// Adds a row without a source.
    pub(crate) fn add(&self, object: &Object) -> &Self {
        let row = Row {
            digest: Cell::Digest(object.digest),
            size: u64::try_from(object.bytes.len()).ok(),
            name: Some(object.name.clone()),
            ..Row::empty(COLLECTION)
        };
        self.catalog.rows().push(row);
        self
    }

    /// Changes the rows of a digest.
    pub(crate) fn change(&self, digest: Digest, change: impl Fn(&mut Row)) -> &Self {
        let mut rows = self.catalog.rows();
        rows.iter_mut().filter(|row| row.digest == Cell::Digest(digest)).for_each(change);
        drop(rows);
        self
    }

    pub(crate) fn app(&self, digest: Digest, slug: &str) -> &Self {
        let app = format!("{MAINTAINED_APP}{slug}");
        self.change(digest, |row| row.sources.maintained_app = Some(app.clone()))
    }

    pub(crate) fn script(&self, digest: Digest, id: &str, text: Option<&str>) -> &Self {
        if let Some(text) = text {
            self.catalog.keep_script(id, text);
        }
        self.change(digest, |row| row.sources.script = Some(format!("{SCRIPT}{id}")))
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
}
