//! 500,000 rows in MariaDB and in PostgreSQL: how fast restock's scan reads them, beside what each
//! database's own client makes of the same columns, and the peak resident memory of a whole audit.
//!
//! Takes `RESTOCK_TEST_MYSQL` and `RESTOCK_TEST_POSTGRES` from `benches/run`, which starts the servers.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark takes time, and reads where servers are"
)]

mod support {
    pub(crate) mod audited;
    #[expect(dead_code, reason = "the catalog is a real one here")]
    pub(crate) mod generated;
    pub(crate) mod tables;
    pub(crate) mod world;
}

use std::env;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use futures::TryStreamExt;
use restock::catalog::{self, Catalog, CatalogOptions, CollectionOptions, Preset};

use support::audited::{audit, layout, peak_mib};
use support::tables::{Server, Tables};
use support::world::World;

/// Of three digests one has three rows.
const OBJECTS: u64 = 300_000;
const ROWS: u64 = 500_000;
const REPETITIONS: usize = 5;
const CHILD: &str = "--audit-in";
const TARGET_MIB: f64 = 80.0;
const TARGET_RATIO: f64 = 0.5;

const QUERY: &str =
    "SELECT sha256 AS digest, size, updated_at, url AS source_url, id AS ref FROM packages";

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip_while(|argument| argument != CHILD).skip(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(url) = arguments.next() {
        return runtime.block_on(child(&url));
    }
    for server in [Server::MariaDb, Server::Postgres] {
        let Ok(url) = env::var(server.variable()) else {
            println!("{server}: {} is not set; benches/run starts the servers", server.variable());
            continue;
        };
        runtime.block_on(compare(server, &url))?;
    }
    Ok(())
}

async fn compare(server: Server, url: &str) -> anyhow::Result<()> {
    let tables = Tables::fill(server, url, OBJECTS).await?;
    let catalog = open(&tables.url()).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        theirs.push(tables.read_by_client()?);
        ours.push(scan(&*catalog).await?);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = theirs / ours;
    let rate = |seconds: f64| 500.0 / seconds;
    println!(
        "{server}: scan {:.0}k rows/s, {} {:.0}k rows/s: ratio {ratio:.2} \
         (target at least {TARGET_RATIO})",
        rate(ours),
        server.client(),
        rate(theirs)
    );
    let child = Command::new(env::current_exe()?)
        .args([CHILD, &tables.url()])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(child.status.success(), "the audit failed");
    let line = String::from_utf8(child.stdout)?;
    print!("{server}: {line}");
    let peak = line.split_once("peak ").and_then(|(_, rest)| rest.split(' ').next());
    let peak: f64 = peak.context("no peak was printed")?.parse()?;
    tables.drop_all().await?;
    ensure!(ratio >= TARGET_RATIO, "{ratio:.2} is under the target of {TARGET_RATIO}");
    ensure!(peak < TARGET_MIB, "{peak:.1} MiB is over the target of {TARGET_MIB} MiB");
    Ok(())
}

async fn open(url: &str) -> anyhow::Result<Arc<dyn Catalog>> {
    let options = CatalogOptions {
        url: Some(url.to_owned()),
        preset: Preset::Custom,
        ..CatalogOptions::default()
    };
    let packages = CollectionOptions {
        name: "software-installers".to_owned(),
        query: Some(QUERY.to_owned()),
        key: layout()?,
        heal: true,
    };
    Ok(catalog::open(&options, &[packages], &env::temp_dir()).await?)
}

/// How many seconds a scan takes.
async fn scan(catalog: &dyn Catalog) -> anyhow::Result<f64> {
    let collection = catalog.collections().first().context("no collection")?;
    let start = Instant::now();
    let mut batches = catalog.scan(collection);
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await? {
        rows += u64::try_from(batch.len())?;
    }
    ensure!(rows == ROWS, "{rows} rows were read");
    Ok(start.elapsed().as_secs_f64())
}

async fn child(url: &str) -> anyhow::Result<()> {
    let world = World::new(OBJECTS);
    let start = Instant::now();
    let summary = audit(world, open(url).await?).await?;
    let seconds = start.elapsed().as_secs_f64();
    let counts = (summary.expected, summary.missing, summary.orphans);
    let wanted = (Some(OBJECTS), Some(world.missing()), Some(world.orphans()));
    ensure!(counts == wanted, "the audit found {counts:?}, not {wanted:?}: {summary:?}");
    println!(
        "audit of {ROWS} rows, {OBJECTS} objects: peak {:.1} MiB (target under {TARGET_MIB}), \
         {seconds:.2} s",
        peak_mib()?
    );
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
