//! A catalog in memory whose rows are those of another one, until they change in mid pass.

#![allow(dead_code, reason = "each test takes some of it")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::TryStreamExt;
use restock::catalog::Catalog;
use restock::clock::Clock;
use restock::model::{CatalogRow, Collection, Sources};

use super::{Cell, MemoryCatalog, Row, Written};

impl MemoryCatalog {
    /// What another catalog holds now, under its name. The copy can be changed in the middle of a
    /// pass, and hindered.
    pub(crate) async fn copy_of(catalog: &dyn Catalog, clock: &Arc<dyn Clock>) -> Self {
        let mut copy = Self::new(catalog.collections().to_vec(), Arc::clone(clock));
        catalog.identity().clone_into(&mut copy.identity);
        for collection in catalog.collections() {
            copy.take(catalog, collection).await;
        }
        copy
    }

    async fn take(&self, catalog: &dyn Catalog, collection: &Collection) {
        let scanned: Vec<_> = catalog.scan(collection).try_concat().await.unwrap();
        assert!(scanned.iter().all(|row| !row.is_mistimed), "what its column holds is not scanned");
        let digests: BTreeSet<_> = scanned.iter().filter_map(|row| row.digest).collect();
        let digests: Vec<_> = digests.into_iter().collect();
        for row in catalog.rows(collection, &digests).await.unwrap() {
            self.rows().push(Row::of(&collection.name, row));
        }
        for row in catalog.malformed(collection, usize::MAX).await.unwrap() {
            let (digest, name, reference) = (Cell::Unreadable(row.shown), row.name, row.reference);
            self.rows().push(Row { digest, name, reference, ..Row::empty(&collection.name) });
        }
        let nulls = scanned.iter().filter(|row| row.digest.is_none() && !row.is_unreadable);
        self.rows().extend(nulls.map(|_| Row::empty(&collection.name)));
    }

    /// Changes the rows once, right before the n-th look-up, counted from 1.
    pub(crate) fn changed_before(
        self,
        look_up: usize,
        change: impl FnOnce(&mut Vec<Row>) + Send + 'static,
    ) -> Self {
        let (copy, change) = (self.clone(), Mutex::new(Some(change)));
        self.hindered(Arc::new(move |action: &'static str, _: &str| {
            if action == "rows" && copy.looked_up().len() == look_up {
                let change = change.lock().unwrap().take();
                if let Some(change) = change {
                    change(&mut copy.rows());
                }
            }
            Ok(())
        }))
    }

    /// Fails from the n-th look-up on, counted from 1.
    pub(crate) fn failing_from(self, look_up: usize, why: &'static str) -> Self {
        let copy = self.clone();
        self.hindered(Arc::new(move |action: &'static str, _: &str| {
            let fails = action == "rows" && copy.looked_up().len() >= look_up;
            if fails { Err(why.to_owned()) } else { Ok(()) }
        }))
    }

    /// Every scan of more rows than a batch has gives some, and then an error in place of its end.
    pub(crate) fn breaking_off(self) -> Self {
        let batches = AtomicUsize::new(0);
        self.hindered(Arc::new(move |action: &'static str, _: &str| match action {
            "scan" => {
                batches.store(0, Ordering::SeqCst);
                Ok(())
            }
            "scan batch" if batches.fetch_add(1, Ordering::SeqCst) > 0 => {
                Err("the connection was lost".to_owned())
            }
            _ => Ok(()),
        }))
    }
}

impl Row {
    /// A row without a digest, and without anything else.
    pub(crate) fn empty(collection: &str) -> Self {
        Self {
            collection: collection.to_owned(),
            digest: Cell::Null,
            size: None,
            written: Written::Unknown,
            sources: Sources::default(),
            name: None,
            reference: None,
            active: true,
        }
    }

    /// The row that a look-up gives so.
    pub(crate) fn of(collection: &str, row: CatalogRow) -> Self {
        Self {
            collection: collection.to_owned(),
            digest: Cell::Digest(row.digest),
            size: row.size,
            written: row.updated_at.map_or(Written::Unknown, Written::At),
            sources: row.sources,
            name: row.name,
            reference: row.reference,
            active: row.active,
        }
    }
}
