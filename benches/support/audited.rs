//! One shallow audit of a generated store, and what it took.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use restock::catalog::Catalog;
use restock::clock::SystemClock;
use restock::ledger;
use restock::model::{Command, KeyTemplate, Slice, Summary};
use restock::observe::Silent;
use restock::pass::{Auditor, FailOn, Request, Restraint, Settings};
use restock::plan::{BreakerOptions, HealOptions, OrphanOptions};
use restock::sorter::SorterOptions;
use restock::source::{HttpSource, SourceOptions};
use restock::store::{Archived, Store};
use tokio_util::sync::CancellationToken;

use super::generated::GeneratedStore;
use super::world::World;

/// Where the objects of a world lie.
pub(crate) fn layout() -> anyhow::Result<KeyTemplate> {
    Ok("software-installers/{digest}".parse()?)
}

/// Audits a world's store against a catalog of it.
pub(crate) async fn audit(world: World, catalog: Arc<dyn Catalog>) -> anyhow::Result<Summary> {
    let store = Arc::new(GeneratedStore::new(world, layout()?));
    let folder = tempfile::tempdir()?;
    let ledger = ledger::open("sqlite://ledger.db", store.identity(), folder.path()).await?;
    let auditor = Auditor {
        catalog,
        store,
        source: Arc::new(HttpSource::new(&SourceOptions::default())?),
        ledger,
        clock: Arc::new(SystemClock),
        observer: Arc::new(Silent),
        settings: Settings {
            grace: Duration::from_mins(10),
            concurrency: 16,
            deep_concurrency: 4,
            bandwidth: None,
            heal: HealOptions::default(),
            breaker: BreakerOptions::default(),
            orphans: OrphanOptions::default(),
            archived: Archived::Unknown,
            accepted: Vec::new(),
            retain: Duration::from_hours(90 * 24),
            sorter: SorterOptions::default(),
        },
        cancel: CancellationToken::new(),
    };
    let request = Request {
        command: Command::Audit,
        collections: Vec::new(),
        slice: Slice::WHOLE,
        deep: None,
        digests: None,
        replace_unreadable: false,
        fail_on: FailOn::default(),
        restraint: Restraint::default(),
    };
    Ok(auditor.audit(&request).await?.summary)
}

/// The peak resident memory of this process so far, in MiB.
pub(crate) fn peak_mib() -> anyhow::Result<f64> {
    let path = Path::new("/proc/self/status");
    let status = std::fs::read_to_string(path).context("this benchmark reads Linux's /proc")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.split_whitespace().next()).context("no VmHWM")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}
