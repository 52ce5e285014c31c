//! `restock probe`: is the object there? A line for each digest.

use std::io::Write;

use anyhow::bail;

use crate::model::{Digest, error_chain};
use crate::store::{Probe, StoreFault};

use super::UsageError;
use super::world::World;

/// What a probe said of one digest over all collections, best first.
enum Answer {
    Present { key: String, size: u64 },
    Absent,
    Unknown(String),
}

/// Probes each digest; present in any collection is present. Returns the exit code: 0 all present,
/// 2 some absent, 3 some unknown.
pub(super) async fn probe(
    world: &World,
    digests: &[Digest],
    collections: &[String],
    out: &mut impl Write,
) -> anyhow::Result<u8> {
    let known = world.catalog.collections();
    if let Some(name) = collections.iter().find(|name| !known.iter().any(|c| c.name == **name)) {
        let known: Vec<_> = known.iter().map(|c| format!("`{}`", c.name)).collect();
        let message = format!("there is no collection `{name}`");
        return Err(
            UsageError::new(message, format!("the catalog has {}", known.join(", "))).into()
        );
    }
    // A 404 is believed only where the store itself was shown to exist.
    let shown = world.store.check().await;
    if let Err(error) = &shown
        && error.fault == StoreFault::NoSuchStore
    {
        bail!("{}", error_chain(error));
    }
    let doubt = shown.err().map(|error| error_chain(&error));
    let (mut absent, mut unknown) = (false, false);
    for digest in digests {
        match ask(world, digest, collections, doubt.as_deref()).await {
            Answer::Present { key, size } => {
                writeln!(out, "present {digest} {size} bytes at {key}")?;
            }
            Answer::Absent => {
                absent = true;
                writeln!(out, "package not found with hash {digest}")?;
            }
            Answer::Unknown(why) => {
                unknown = true;
                writeln!(out, "unknown {digest}: {why}")?;
            }
        }
    }
    Ok(if absent {
        2
    } else if unknown {
        3
    } else {
        0
    })
}

async fn ask(
    world: &World,
    digest: &Digest,
    collections: &[String],
    doubt: Option<&str>,
) -> Answer {
    let mut answer = Answer::Absent;
    for collection in world.catalog.collections() {
        if !collections.is_empty() && !collections.contains(&collection.name) {
            continue;
        }
        let key = collection.key.render(digest);
        match world.store.probe(&key).await {
            Probe::Present(meta) => return Answer::Present { key, size: meta.size },
            Probe::Unknown(error) => answer = Answer::Unknown(error_chain(&error)),
            Probe::Absent => {
                if let Some(doubt) = doubt {
                    answer = Answer::Unknown(format!(
                        "the store answers 404, and could not be shown to exist: {doubt}"
                    ));
                }
            }
        }
    }
    answer
}
