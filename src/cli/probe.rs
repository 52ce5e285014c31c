//! `restock probe`: is the object there? A line for each digest.

use std::io::Write;

use anyhow::bail;

use crate::model::{Collection, Digest, error_chain};
use crate::store::{Probe, StoreError, StoreFault};

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
    check_collections(world.catalog.collections(), collections)?;
    // A 404 is believed only where the store itself was shown to exist.
    let shown = world.store.check().await;
    if let Err(error) = &shown
        && error.fault == StoreFault::NoSuchStore
    {
        bail!("{}", error_chain(error));
    }
    let doubt = shown.err();
    let (mut absent, mut unknown) = (false, false);
    for digest in digests {
        match ask(world, digest, collections, doubt.as_ref()).await {
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

/// Refuses the name of a collection that is not there.
pub(super) fn check_collections(known: &[Collection], names: &[String]) -> Result<(), UsageError> {
    let unknown = names.iter().find(|name| !known.iter().any(|c| c.name == **name));
    let Some(name) = unknown else { return Ok(()) };
    let known: Vec<_> = known.iter().map(|c| format!("`{}`", c.name)).collect();
    let message = format!("there is no collection `{name}`");
    Err(UsageError::new(message, format!("the catalog has {}", known.join(", "))))
}

async fn ask(
    world: &World,
    digest: &Digest,
    collections: &[String],
    doubt: Option<&StoreError>,
) -> Answer {
    // To ask where nobody answers would only take longer.
    if let Some(error) = doubt
        && matches!(error.fault, StoreFault::Timeout | StoreFault::Unreachable)
    {
        return Answer::Unknown(error_chain(error));
    }
    let mut answer = Answer::Absent;
    for collection in world.catalog.collections() {
        if !collections.is_empty() && !collections.contains(&collection.name) {
            continue;
        }
        let key = collection.key.render(digest);
        match world.store.probe(&key).await {
            Probe::Present(meta) => return Answer::Present { key, size: meta.size },
            Probe::Unknown(error) => {
                // The answer to a HEAD is a number; the one to a LIST says in words what is wrong.
                let said = doubt.filter(|doubt| doubt.fault == error.fault).unwrap_or(&error);
                answer = Answer::Unknown(error_chain(said));
            }
            Probe::Absent => {
                if let Some(doubt) = doubt {
                    answer = Answer::Unknown(format!(
                        "the store answers 404, and could not be shown to exist: {}",
                        error_chain(doubt)
                    ));
                }
            }
        }
    }
    answer
}
