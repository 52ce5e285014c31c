//! Objects: bytes with their digest, key and name.

use restock::model::Digest;
use sha2::{Digest as _, Sha256};

/// The collection of every world.
pub const COLLECTION: &str = "software-installers";

/// An object: whole bytes, and everything that follows from them.
#[derive(Debug, Clone)]
pub struct Object {
    pub bytes: Vec<u8>,
    pub digest: Digest,
    pub key: String,
    pub name: String,
}

impl Object {
    /// The object with these bytes.
    pub fn of(bytes: impl Into<Vec<u8>>, name: &str) -> Self {
        let bytes = bytes.into();
        let digest = digest_of(&bytes);
        Self { key: format!("{COLLECTION}/{digest}"), name: name.to_owned(), bytes, digest }
    }

    /// The n-th of many small ones, each another.
    pub fn nth(n: u32) -> Self {
        Self::of(
            format!("installer {n}: {}", "x".repeat(usize::try_from(n).unwrap() % 50)),
            &format!("app-{n}.pkg"),
        )
    }
}

/// The SHA-256 of bytes.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest::new(Sha256::digest(bytes).into())
}
