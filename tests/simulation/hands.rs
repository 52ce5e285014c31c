//! [`Hands`]: by which things happen to catalog, store, sources and clocks, behind restock's back.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use restock::clock::Clock;
use restock::model::{ObjectMeta, Sources};

use crate::asking::SOURCES;
use crate::fate::{Fate, by};
use crate::memory_catalog::{Cell, MemoryCatalog, Row, Written};
use crate::memory_source::{Answer, MemorySource};
use crate::memory_store::MemoryStore;
use crate::step::{Age, Gives, Happening, RowKind, Size, Whose, Wrong};
use crate::things::{Thing, empty_url, things};
use crate::world::{MAX_OBJECT, SimClock};

/// Rows of a thing that are more than a pass asks the sources of.
const MANY: usize = SOURCES + 2;

/// By which things happen to a world.
#[derive(Clone)]
pub(crate) struct Hands {
    pub(crate) store: MemoryStore,
    pub(crate) catalog: MemoryCatalog,
    pub(crate) source: MemorySource,
    pub(crate) clocks: [Arc<SimClock>; 3],
    pub(crate) rows: Arc<Mutex<u32>>,
    pub(crate) versions: Arc<Mutex<Vec<Vec<Row>>>>,
    pub(crate) fate: Weak<Fate>,
}

impl Hands {
    /// What lies under a key.
    pub(crate) fn object(&self, key: &str) -> Option<(Bytes, ObjectMeta)> {
        self.store.objects().remove(key)
    }

    /// The rows as they were since this was asked last, one after the other; the last are those
    /// of now.
    pub(crate) fn take_versions(&self) -> Vec<Vec<Row>> {
        let mut versions = std::mem::take(&mut *self.versions.lock().unwrap());
        versions.push(self.catalog.rows().clone());
        versions
    }

    /// Lets something happen.
    pub(crate) fn happen(&self, what: Happening) {
        let fate = self.fate.upgrade();
        if let Some(fate) = &fate {
            fate.log(|| format!("{what:?}"));
        }
        let key = match what {
            Happening::Upload(n)
            | Happening::Overwrite(n, _)
            | Happening::Delete(n)
            | Happening::Unreadable(n)
            | Happening::Readable(n)
            | Happening::Archive(n) => Some(things()[n].key.clone()),
            _ => None,
        };
        if let (Some(fate), Some(key)) = (&fate, &key) {
            fate.note_change(Some(key));
        }
        self.in_store(what);
        self.in_catalog(what, fate.as_deref());
        match what {
            Happening::Source(n, url, gives) => {
                let thing = &things()[n];
                self.source.serve(&thing.urls[url], answer(thing, gives));
                if let Some(fate) = &fate {
                    fate.note_change(Some(&thing.key));
                }
            }
            Happening::SilentHost(url, _) => {
                for thing in things() {
                    self.source.serve(&thing.urls[url], Answer::Silent);
                    self.changed(&thing.key);
                }
            }
            Happening::SetClock(whose, seconds) => {
                let at = match whose {
                    Whose::Restock => 0,
                    Whose::Store => 1,
                    Whose::Catalog => 2,
                };
                self.clocks[at].set(by(seconds));
                if let Some(fate) = &fate {
                    fate.reach("a clock was set");
                    fate.note_clock();
                    fate.note_change(None);
                }
            }
            Happening::Mangle(mangles) => {
                self.store.mangle(mangles);
                if let Some(fate) = &fate {
                    fate.set_mangles(mangles);
                }
            }
            _ => {}
        }
    }

    fn in_store(&self, what: Happening) {
        let store = &self.store;
        match what {
            Happening::Upload(n) => {
                let thing = &things()[n];
                store.make_readable(&thing.key);
                store.put(&thing.key, thing.bytes.clone());
            }
            Happening::Overwrite(n, wrong) => {
                let thing = &things()[n];
                let bytes = match wrong {
                    Wrong::Anew => thing.bytes.clone(),
                    Wrong::Empty => Bytes::new(),
                    Wrong::Shorter => thing.bytes.slice(..thing.bytes.len() / 2),
                    Wrong::Longer => [&thing.bytes[..], b"more"].concat().into(),
                    Wrong::SameSize => thing.bytes.iter().map(|byte| byte ^ 1).collect(),
                };
                store.make_readable(&thing.key);
                store.put(&thing.key, bytes);
            }
            Happening::Delete(n) => {
                store.make_readable(&things()[n].key);
                store.remove(&things()[n].key);
            }
            Happening::Sweep(bits) | Happening::SilentHost(_, bits) => {
                for (n, thing) in things().iter().enumerate() {
                    if bits >> n & 1 == 1 {
                        store.make_readable(&thing.key);
                        store.remove(&thing.key);
                        self.changed(&thing.key);
                    }
                }
            }
            Happening::Unreadable(n) => store.make_unreadable(&things()[n].key),
            Happening::Readable(n) => store.make_readable(&things()[n].key),
            Happening::Archive(n) => store.archive(&things()[n].key),
            Happening::Foreign(n) => {
                store.put(&format!("software-installers/readme-{n}.txt"), "no object");
            }
            _ => {}
        }
    }

    fn changed(&self, key: &str) {
        if let Some(fate) = self.fate.upgrade() {
            fate.note_change(Some(key));
        }
    }

    fn in_catalog(&self, what: Happening, fate: Option<&Fate>) {
        let now = self.clocks[2].now();
        let before = self.catalog.rows().clone();
        let of = |n: usize| {
            let digest = things()[n].digest;
            move |row: &Row| row.digest == Cell::Digest(digest)
        };
        match what {
            Happening::Row(n, kind) => {
                let row = self.row(&things()[n], kind, now);
                self.catalog.rows().push(row);
            }
            Happening::ManyRows(n) => {
                let kind = RowKind { age: Age::Old, size: Size::Unknown, url: None };
                for at in 0..MANY {
                    let url = empty_url(n, at);
                    self.source.serve(&url, Answer::Gone(404));
                    let row = self.row(&things()[n], kind, now);
                    self.catalog.rows().push(Row { sources: Sources::of_url(&url), ..row });
                }
            }
            Happening::RemoveRows(n) => self.catalog.rows().retain(|row| !of(n)(row)),
            Happening::TouchRows(n) => {
                for row in self.catalog.rows().iter_mut().filter(|row| of(n)(row)) {
                    row.written = Written::At(now);
                }
            }
            Happening::DropRows(bits) => {
                for n in (0..things().len()).filter(|n| bits >> n & 1 == 1) {
                    self.catalog.rows().retain(|row| !of(n)(row));
                }
            }
            Happening::UnreadableRow | Happening::NullRow => {
                let kind = RowKind { age: Age::Old, size: Size::Unknown, url: None };
                let mut row = self.row(&things()[1], kind, now);
                row.digest = match what {
                    Happening::NullRow => Cell::Null,
                    _ => Cell::Unreadable("not a digest".to_owned()),
                };
                self.catalog.rows().push(row);
            }
            Happening::MendRows => {
                self.catalog.rows().retain(|row| matches!(row.digest, Cell::Digest(_)));
            }
            _ => return,
        }
        if *self.catalog.rows() != before {
            self.versions.lock().unwrap().push(before);
            if let Some(fate) = fate {
                fate.note_change(None);
            }
        }
    }

    fn row(&self, thing: &Thing, kind: RowKind, now: DateTime<Utc>) -> Row {
        let mut rows = self.rows.lock().unwrap();
        *rows += 1;
        let written = match kind.age {
            Age::Old => Written::At(now - TimeDelta::hours(2)),
            Age::Young => Written::At(now - TimeDelta::seconds(60)),
            Age::Ahead => Written::At(now + TimeDelta::days(9)),
            Age::Unknown => Written::Unknown,
            Age::NoTime => Written::NoTime("yesterday".to_owned()),
        };
        let size = match kind.size {
            Size::Right => Some(thing.bytes.len() as u64),
            Size::Unknown => None,
            Size::Other => Some(thing.bytes.len() as u64 + 3),
        };
        let sources = kind.url.map(|url| Sources::of_url(&thing.urls[url])).unwrap_or_default();
        Row {
            collection: thing.collection.to_owned(),
            digest: Cell::Digest(thing.digest),
            size,
            written,
            sources,
            name: Some(format!("file {rows}")),
            reference: Some(rows.to_string()),
            active: true,
        }
    }
}

pub(crate) fn answer(thing: &Thing, gives: Gives) -> Answer {
    let right = thing.bytes.clone();
    let other = Bytes::from_static(b"something else, of whatever length");
    match gives {
        Gives::Right => Answer::Gives(right),
        Gives::Drips => Answer::Drips(right, Duration::from_secs(2)),
        Gives::OtherBytes => Answer::Gives(other),
        Gives::Page => Answer::Page(other),
        Gives::EncodedRight => Answer::Encoded(other, Some(right)),
        Gives::EncodedWrong => Answer::Encoded(other.clone(), Some(other)),
        Gives::Undecodable => Answer::Encoded(other, None),
        Gives::Breaks => Answer::Breaks(right),
        Gives::Gone => Answer::Gone(410),
        Gives::Lacking => Answer::Lacking,
        Gives::Forbidden => Answer::Forbidden,
        Gives::Busy => Answer::Busy(None),
        Gives::Silent => Answer::Silent,
        Gives::TooLarge => Answer::Gives(Bytes::from(vec![7; MAX_OBJECT + 1])),
    }
}
