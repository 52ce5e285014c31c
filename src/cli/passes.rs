//! `restock audit` and `restock heal`.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;

use crate::ledger::Lock;
use crate::model::{Command, Digest, Slice, Span};
use crate::pass::{FailOn, PassReport, Request, Restraint};
use crate::plan::Plan;
use crate::report::{self, Format};

use super::Context;
use super::args::{AuditArgs, HealArgs, PassArgs};
use super::unable;
use super::world::World;

/// A pass that reports and changes nothing.
pub(super) async fn audit(args: &AuditArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let request = request(Command::Audit, &args.pass, context)?;
    let ran = look(&request, context).await;
    let report = unable::told(ran, &request, &args.pass, context)?;
    tell(&report, &args.pass, context)
}

async fn look(request: &Request, context: &Context<'_>) -> anyhow::Result<PassReport> {
    let world = context.open().await?;
    Ok(world.auditor().audit(request).await?)
}

/// A pass that carries out its plan, or only makes one.
pub(super) async fn heal(args: &HealArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    if args.dry_run || args.plan.is_some() {
        return plan(args, context).await;
    }
    let mut request = request(Command::Heal, &args.pass, context)?;
    request.digests = named(&args.digests);
    let earlier = args.from_plan.as_deref().map(read_plan).transpose()?;
    let ran = carry_out(earlier.as_ref(), &request, args, context).await;
    let report = unable::told(ran, &request, &args.pass, context)?;
    tell(&report, &args.pass, context)
}

async fn carry_out(
    earlier: Option<&Plan>,
    request: &Request,
    args: &HealArgs,
    context: &Context<'_>,
) -> anyhow::Result<PassReport> {
    let mut world = context.open().await?;
    let lock = lock(&world, args.wait_lock).await?;
    world.ledger = lock.guard(&world.ledger);
    let (auditor, healer) = (world.auditor(), world.healer());
    let healing = async {
        match earlier {
            Some(plan) => auditor.heal_from(plan, request, &healer).await,
            None => auditor.heal(request, &healer).await,
        }
    };
    let report = lock.hold(&world.cancel, healing).await;
    lock.release().await;
    Ok(report??)
}

/// Makes a plan and carries nothing out: printed, written, or both. Exits as an audit would.
async fn plan(args: &HealArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let mut request = request(Command::Audit, &args.pass, context)?;
    request.digests = named(&args.digests);
    let report = look(&request, context).await?;
    if let Some(path) = &args.plan {
        write_plan(path, &report.plan)?;
        writeln!(context.stderr, "plan written to {}", path.display())?;
    }
    write_reports(&report, &args.pass, context)?;
    if args.dry_run {
        match args.pass.output {
            Format::Table => {
                let (plan, findings) = (&report.plan, &report.findings);
                report::plan_table(plan, findings, &context.text, &mut context.stdout)?;
            }
            Format::Json | Format::Ndjson => {
                serde_json::to_writer(&mut context.stdout, &report.plan)?;
                writeln!(context.stdout)?;
            }
            // These have no word for a plan: they tell what it is made for.
            Format::Junit | Format::Github => return print(&report, &args.pass, context),
        }
        return Ok(report.summary.exit_code);
    }
    print(&report, &args.pass, context)
}

fn request(command: Command, args: &PassArgs, context: &Context<'_>) -> anyhow::Result<Request> {
    for target in &args.report {
        // Told before the work is done, as far as it can be.
        target.check()?;
    }
    let slice = args.slice.map(|slice| slice.resolve(context.environment)).transpose()?;
    Ok(Request {
        command,
        collections: args.collection.clone(),
        slice: slice.unwrap_or(Slice::WHOLE),
        deep: args.deep,
        digests: None,
        fail_on: args.fail_on.clone().unwrap_or_default(),
        restraint: Restraint::default(),
    })
}

fn named(digests: &[Digest]) -> Option<Vec<Digest>> {
    let mut digests = digests.to_vec();
    digests.sort_unstable();
    digests.dedup();
    (!digests.is_empty()).then_some(digests)
}

/// The lock that keeps two heals apart.
pub(super) async fn lock(world: &World, wait: Option<Span>) -> anyhow::Result<Lock> {
    let config = &world.config;
    let wait = wait.map(|span| span.0);
    Ok(Lock::acquire(config.ledger_url(), world.store.identity(), &config.base, wait).await?)
}

/// Writes every report that was asked for, and gives the exit code.
fn tell(pass: &PassReport, args: &PassArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    // Stdout first: a file that cannot be written must not swallow the answer.
    let code = print(pass, args, context)?;
    write_reports(pass, args, context)?;
    Ok(code)
}

fn print(pass: &PassReport, args: &PassArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let fail_on = args.fail_on.clone().unwrap_or_default();
    view(pass, &fail_on).write(args.output, &context.text, &mut context.stdout)?;
    Ok(pass.summary.exit_code)
}

fn write_reports(pass: &PassReport, args: &PassArgs, context: &Context<'_>) -> anyhow::Result<()> {
    let fail_on = args.fail_on.clone().unwrap_or_default();
    for target in &args.report {
        let plain = report::TextOptions { color: report::Color::Never, ..context.text };
        target.write(&view(pass, &fail_on), &plain)?;
    }
    Ok(())
}

fn view<'a>(pass: &'a PassReport, fail_on: &'a FailOn) -> report::PassReport<'a> {
    let PassReport { findings, repairs, summary, .. } = pass;
    report::PassReport { findings, repairs, summary, fail_on }
}

fn read_plan(path: &Path) -> anyhow::Result<Plan> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read plan {shown}"))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{shown} is no plan that `restock heal --plan` wrote"))
}

fn write_plan(path: &Path, plan: &Plan) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(plan)?;
    text.push('\n');
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let place = folder.unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(place)?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write the plan to {}", path.display()))
}
