//! The objects that histories are about: few, small, and the same in each history.

use std::sync::LazyLock;

use bytes::Bytes;
use restock::model::{Collection, Digest};
use sha2::{Digest as _, Sha256};

/// An object that may be wanted and may lie in the store.
#[derive(Debug)]
pub(crate) struct Thing {
    pub(crate) bytes: Bytes,
    pub(crate) digest: Digest,
    pub(crate) collection: &'static str,
    pub(crate) key: String,
    pub(crate) urls: [String; 3],
}

/// What stands in URLs and may stand nowhere else.
pub(crate) const SECRET: &str = "hush7351";

pub(crate) const INSTALLERS: &str = "software-installers";
pub(crate) const ICONS: &str = "icons";

/// How many things there are.
pub(crate) const THINGS: usize = 14;

pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::new(Sha256::digest(bytes).into())
}

/// The collections: the second one never heals in a part of the histories.
pub(crate) fn collections(icons_heal: bool) -> Vec<Collection> {
    let of = |name: &str, key: &str, heal| Collection {
        name: name.to_owned(),
        key: key.parse().unwrap(),
        heal,
    };
    vec![
        of(INSTALLERS, "software-installers/{digest}", true),
        of(ICONS, "icons/{digest:2}/{digest}", icons_heal),
    ]
}

static ALL: LazyLock<Vec<Thing>> = LazyLock::new(|| (0..THINGS).map(thing).collect());

pub(crate) fn things() -> &'static [Thing] {
    &ALL
}

fn thing(n: usize) -> Thing {
    // The first of them is the empty file, whose digest is a digest like any other.
    let length = if n == 0 { 0 } else { 5 + n * 7 };
    let text = format!("the bytes of thing {n:02} ").repeat(8);
    let bytes = Bytes::from(text.into_bytes()).slice(..length);
    let digest = digest_of(&bytes);
    let collections = collections(true);
    let collection = &collections[usize::from(n % 3 == 2)];
    let url = |of: usize| {
        let host = ["a.example", "b.example", crate::memory_source::DENIED][of];
        format!("https://user:{SECRET}@{host}/{n}?token={SECRET}")
    };
    Thing {
        digest,
        collection: if n % 3 == 2 { ICONS } else { INSTALLERS },
        key: collection.key.render(&digest),
        urls: [url(0), url(1), url(2)],
        bytes,
    }
}

/// One of many URLs of a thing that give nothing.
pub(crate) fn empty_url(of: usize, n: usize) -> String {
    format!("https://user:{SECRET}@c.example/{of}/{n}?token={SECRET}")
}

/// The thing that this is a URL of.
pub(crate) fn thing_asked(url: &str) -> Option<&'static Thing> {
    let empty = |of: usize| url.contains(&format!("@c.example/{of}/"));
    let mut all = ALL.iter().enumerate();
    all.find(|(of, thing)| thing.urls.iter().any(|own| own == url) || empty(*of)).map(|(_, t)| t)
}

/// The thing whose key this is.
pub(crate) fn thing_at(key: &str) -> Option<&'static Thing> {
    ALL.iter().find(|thing| thing.key == key)
}
