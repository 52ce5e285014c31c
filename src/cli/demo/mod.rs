//! `restock demo`: the whole job on the embedded default, on real files and a real HTTP source.

mod damage;
mod ground;
mod make;
mod server;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::ensure;

use crate::config::{Config, Environment};
use crate::model::{Command, Finding, FindingKind, Outcome, Slice, Unhealable};
use crate::observe::Silent;
use crate::pass::{FailOn, PassReport, Request, Restraint};
use crate::report::{self, TextOptions};

use super::Context;
use super::args::DemoArgs;
use super::world::World;
use damage::Damage;
use ground::Ground;

/// Runs the demo.
pub(super) async fn run(args: &DemoArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let (color, cancel) = (context.text.color, context.cancel.clone());
    let out = &mut context.stdout;
    let objects = make::objects();
    let damage = Damage::to(&objects);
    let mut ground = Ground::claim(&args.dir, make::files(&objects, &damage))?;
    context.phase.working();
    let dir = ground.path().to_owned();
    let server = server::Server::start(&dir.join("source")).await?;
    say(out, 1, "A catalog, a store and a source")?;
    make::make(&dir, &objects, &server.base_url()).await?;
    writeln!(out, "  catalog  {}  ({} rows)", dir.join("catalog.db").display(), objects.len())?;
    writeln!(out, "  store    {}", dir.join("store").display())?;
    writeln!(out, "  source   {}  (serves {})", server.base_url(), dir.join("source").display())?;
    writeln!(out, "  settings {}", dir.join("restock.toml").display())?;

    say(out, 2, "Damage, as lifecycle rules, crashes and bad disks do it")?;
    damage.inflict(&dir)?;
    damage.tell(out)?;

    let config = Config::load(Some(&dir.join("restock.toml")), &Environment::empty(&dir))?;
    let world = World::open(config, std::sync::Arc::new(Silent), cancel.clone()).await?;
    let invocation = format!("restock -c {}", dir.join("restock.toml").display());
    let text = TextOptions { color, invocation: &invocation };

    say(out, 3, "restock audit --deep: what is wrong?")?;
    let audit = world.auditor().audit(&request(Command::Audit)).await?;
    show(&audit, &text, out)?;
    check(&audit, &ground, &damage.expected_findings(), "the audit")?;

    say(out, 4, "restock heal --deep: everything that can be had again")?;
    let heal = world.auditor().heal(&request(Command::Heal), &world.healer()).await?;
    show(&heal, &text, out)?;
    ensure!(
        heal.summary.healed == damage.healable(),
        "the heal restored {} of {} objects",
        heal.summary.healed,
        damage.healable()
    );

    say(out, 5, "restock audit --deep: what is left?")?;
    let left = world.auditor().audit(&request(Command::Audit)).await?;
    show(&left, &text, out)?;
    check(&left, &ground, &damage.expected_rest(), "the second audit")?;
    reasons(&left.findings, &damage)?;
    ground.note_the_rest()?;
    closing(&dir, &damage, out)?;
    if args.keep {
        writeln!(out, "serving the source at {} until Ctrl-C", server.base_url())?;
        out.flush()?;
        cancel.cancelled().await;
    }
    server.stop().await;
    Ok(0)
}

fn request(command: Command) -> Request {
    Request {
        command,
        collections: Vec::new(),
        slice: Slice::WHOLE,
        deep: Some(Slice::WHOLE),
        digests: None,
        replace_unreadable: false,
        fail_on: FailOn::default(),
        restraint: Restraint::default(),
    }
}

fn say(out: &mut impl Write, step: u8, what: &str) -> std::io::Result<()> {
    writeln!(out, "\n{step}. {what}\n")
}

fn show(pass: &PassReport, text: &TextOptions<'_>, out: &mut impl Write) -> std::io::Result<()> {
    let PassReport { findings, repairs, summary, .. } = pass;
    let (fail_on, healing_off) = (&FailOn::default(), false);
    let report = report::PassReport { findings, repairs, summary, fail_on, healing_off };
    report::table(&report, text, out)
}

/// The demo proves itself: what was found is what was done, no more and no less.
fn check(
    pass: &PassReport,
    ground: &Ground,
    expected: &BTreeMap<FindingKind, u64>,
    what: &str,
) -> anyhow::Result<()> {
    ensure!(pass.summary.outcome == Outcome::Findings, "{what} ended otherwise than with findings");
    let is_ours = |f: &&Finding| !f.key.as_deref().is_some_and(|key| ground.is_anothers(key));
    for kind in FindingKind::ALL {
        let ours = pass.findings.iter().filter(is_ours).filter(|f| f.kind == kind);
        let found = u64::try_from(ours.count())?;
        let wanted = expected.get(&kind).copied().unwrap_or(0);
        ensure!(found == wanted, "{what} found {found} {} objects, not {wanted}", kind.as_str());
    }
    Ok(())
}

fn reasons(findings: &[Finding], damage: &Damage) -> anyhow::Result<()> {
    let found: Vec<Unhealable> = findings.iter().filter_map(|f| f.unhealable).collect();
    for why in damage.unhealable() {
        ensure!(found.contains(&why), "the second audit does not name {}", why.as_str());
    }
    Ok(())
}

fn closing(dir: &Path, damage: &Damage, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(
        out,
        "\nrestored {} objects, each proven by its SHA-256; {} cannot be had again, and are named \
         above with the reason.\nLook around: restock -c {} audit",
        damage.healable(),
        damage.unhealable().len(),
        dir.join("restock.toml").display()
    )
}
