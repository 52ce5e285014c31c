//! `restock audit` and `restock heal`.

use crate::model::{Command, Digest, Slice};
use crate::pass::{FailOn, PassReport, Request, Restraint};
use crate::plan::Plan;
use crate::report::{self, Format};

use super::args::{AuditArgs, HealArgs, PassArgs};
use super::{Context, outputs, plan_file, textfile, unable};

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
    request.replace_unreadable = args.replace_unreadable;
    let none = "is no plan that `restock heal --plan` wrote";
    let earlier = args.from_plan.as_deref().map(|file| plan_file::read(file, none)).transpose()?;
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
    let world = context.open().await?;
    world
        .locked(args.wait_lock, async |world| {
            let (auditor, healer) = (world.auditor(), world.healer());
            Ok(match earlier {
                Some(plan) => auditor.heal_from(plan, request, &healer).await?,
                None => auditor.heal(request, &healer).await?,
            })
        })
        .await
}

/// Makes a plan and carries nothing out: printed, written, or both. Exits as an audit would.
async fn plan(args: &HealArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    outputs::check(args.plan.as_deref(), context)?;
    let mut request = request(Command::Audit, &args.pass, context)?;
    request.digests = named(&args.digests);
    request.replace_unreadable = args.replace_unreadable;
    let report = look(&request, context).await?;
    context.phase.writing();
    if let Some(path) = &args.plan {
        plan_file::write(path, &report.plan)?;
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
    let reports = args.report.iter().map(|target| target.path.as_path());
    outputs::check(reports.chain(args.textfile.as_deref()), context)?;
    let slice = args.slice.map(|slice| slice.resolve(context.environment)).transpose()?;
    Ok(Request {
        command,
        collections: args.collection.clone(),
        slice: slice.unwrap_or(Slice::WHOLE),
        deep: args.deep,
        digests: None,
        replace_unreadable: false,
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

/// Writes every report that was asked for, and gives the exit code.
fn tell(pass: &PassReport, args: &PassArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    context.phase.writing();
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
    textfile::write(args.textfile.as_deref(), &pass.summary, context)
}

fn view<'a>(pass: &'a PassReport, fail_on: &'a FailOn) -> report::PassReport<'a> {
    let PassReport { findings, repairs, summary, plan, .. } = pass;
    let healing_off = plan.is_switched_off();
    report::PassReport { findings, repairs, summary, fail_on, healing_off }
}
