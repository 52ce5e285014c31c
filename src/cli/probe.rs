//! `restock probe`: is the object there? A line for each digest.

use std::io::Write;

use anyhow::bail;

use crate::model::{Collection, Digest, error_chain};
use crate::report::escape;
use crate::store::{Certainty, Prober};

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
    let collections = world.selected(collections)?;
    let prober = match Prober::new(&*world.store).await {
        Ok(prober) => prober,
        Err(error) => bail!("{}", error_chain(&error)),
    };
    let (mut absent, mut unknown) = (false, false);
    for digest in digests {
        match ask(&prober, digest, &collections).await {
            Answer::Present { key, size } => {
                writeln!(out, "present {digest} {size} bytes at {}", escape(&key))?;
            }
            Answer::Absent => {
                absent = true;
                writeln!(out, "package not found with hash {digest}")?;
            }
            Answer::Unknown(why) => {
                unknown = true;
                writeln!(out, "unknown {digest}: {}", escape(&why))?;
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

async fn ask(prober: &Prober<'_>, digest: &Digest, collections: &[&Collection]) -> Answer {
    let mut answer = Answer::Absent;
    for collection in collections {
        let key = collection.key.render(digest);
        match prober.ask(&key).await {
            Certainty::Present(meta) => return Answer::Present { key, size: meta.size },
            Certainty::Unknown(why) => answer = Answer::Unknown(why),
            Certainty::Absent => {}
        }
    }
    answer
}
