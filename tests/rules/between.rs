//! Things that happen between two looks at a world's directory or its catalog.

use std::sync::{Arc, Mutex};

use restock::store::{RemovingStore, StoreOptions, open_removing};

use crate::interference::Moment;
use crate::memory_catalog::{MemoryCatalog, Row};
use crate::met_store::MetStore;
use crate::support::world::World;

/// A copy of the world's catalog in its place.
pub(crate) async fn copy_of_catalog(world: &World) -> MemoryCatalog {
    MemoryCatalog::copy_of(&*world.open_catalog().await, &world.clock).await
}

/// Changes the world's rows once, after the scan and right before the first of them is looked up.
pub(crate) async fn change_before_rows(
    world: &mut World,
    change: impl FnOnce(&mut Vec<Row>) + Send + 'static,
) {
    let changing = copy_of_catalog(world).await.changed_before(1, change);
    world.catalog = Some(Arc::new(changing));
}

/// The world's directory, with something that happens once: right after the first page of a listing
/// came, before the next is taken.
pub(crate) async fn after_first_page(world: &mut World, hook: impl FnOnce() + Send + 'static) {
    let options = StoreOptions { url: "store".to_owned(), ..StoreOptions::default() };
    let directory: Arc<dyn RemovingStore> =
        open_removing(&options, world.dir.path()).await.unwrap();
    let hook = Mutex::new(Some(hook));
    let met = MetStore::new(&directory, move |moment: Moment, action: &'static str| {
        if (moment, action) == (Moment::Before, "page") {
            let hook = hook.lock().unwrap().take();
            if let Some(hook) = hook {
                hook();
            }
        }
        Ok(())
    });
    world.store = Some(Arc::new(met));
}
