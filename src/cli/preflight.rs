//! `restock preflight`: what Fleet would do with the packages of GitOps files.

use std::path::{Path, PathBuf};

use crate::catalog::{DEFAULT_COLLECTION, Preset};
use crate::gitops::{self, Found};
use crate::model::{Command, Digest, Outcome, PassError, Slice};
use crate::pass::{FailOn, PassFailure, Request, Restraint};
use crate::preflight::{Healed, Preflight, Report, Resolved};
use crate::report::{Color, PreflightReport, Render, TextOptions};

use super::args::PreflightArgs;
use super::failure::{code, describe, exit_code};
use super::world::World;
use super::{Context, outputs};

/// Reads the files, looks their packages up, and tells of each.
pub(super) async fn run(args: &PreflightArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    outputs::check(args.report.iter().map(|target| target.path.as_path()), context)?;
    let found = read(args, context).await?;
    let cancel = context.cancel.clone();
    let ran = tokio::select! {
        biased;
        ran = resolve(&found, args, context) => ran,
        // A heal that was begun is drained: it looks at the same token.
        () = cancel.cancelled(), if !args.heal => Err(PassFailure::Cancelled.into()),
    };
    match ran {
        Ok((resolved, healed)) => {
            let report = Report::new(found, resolved, healed);
            write(&report, args, context)?;
            Ok(report.summary.exit_code)
        }
        Err(error) => {
            // What the files themselves show is told also where nobody could be asked.
            if let Some(report) = unable(found, &error) {
                write(&report, args, context)?;
            }
            Err(error)
        }
    }
}

async fn read(args: &PreflightArgs, context: &Context<'_>) -> anyhow::Result<Found> {
    let (paths, environment) = (args.paths.clone(), context.environment.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let variable = |name: &str| Some(environment.get(name)?.to_string_lossy().into_owned());
        gitops::read(&paths, environment.working_directory(), &variable)
    });
    let found = reading.await?;
    for remark in &found.remarks {
        let (file, line) = (remark.at.file.display(), remark.at.line);
        tracing::debug!("{file}:{line}: {}", remark.message);
    }
    let is_empty = found.references.is_empty() && found.installs.is_empty();
    if is_empty && found.problems.is_empty() && found.unreadable.is_empty() {
        tracing::warn!(
            "nothing was checked: these files hold no package, and no policy installs one"
        );
    }
    Ok(found)
}

async fn resolve(
    found: &Found,
    args: &PreflightArgs,
    context: &Context<'_>,
) -> anyhow::Result<(Resolved, Healed)> {
    let world = if args.heal { context.open().await? } else { context.open_silent().await? };
    let preflight = Preflight {
        catalog: &*world.catalog,
        store: &*world.store,
        ledger: &*world.ledger,
        collections: world.selected(&collections(&world, args))?,
        concurrency: world.config.options.audit.concurrency,
    };
    let resolved = preflight.resolve(&found.references, &found.installs).await?;
    if !args.heal || resolved.absent.is_empty() {
        return Ok((resolved, Healed::default()));
    }
    let request = request(&world, resolved.absent, args);
    let healed = world.locked(args.wait_lock, async |world| heal(world, &request).await).await?;
    Ok((preflight.resolve(&found.references, &found.installs).await?, healed))
}

/// The collections that hold packages: of Fleet's, one; of any other catalog, all.
fn collections(world: &World, args: &PreflightArgs) -> Vec<String> {
    let named = &args.collection;
    match world.config.options.catalog.preset {
        Preset::Fleet if named.is_empty() => vec![DEFAULT_COLLECTION.to_owned()],
        Preset::Fleet | Preset::Restock | Preset::Custom => named.clone(),
    }
}

fn request(world: &World, digests: Vec<Digest>, args: &PreflightArgs) -> Request {
    Request {
        command: Command::Heal,
        collections: collections(world, args),
        slice: Slice::WHOLE,
        deep: None,
        digests: Some(digests),
        replace_unreadable: false,
        fail_on: FailOn::default(),
        restraint: Restraint::default(),
    }
}

async fn heal(world: &World, request: &Request) -> anyhow::Result<Healed> {
    let report = world.auditor().heal(request, &world.healer()).await?;
    let mut errors = report.summary.errors;
    let refused = report.summary.outcome == Outcome::Refused;
    if refused {
        let message = "the breaker is open, and nothing was healed: see `restock breaker show`";
        errors.push(PassError { code: "breaker".into(), message: message.into(), subject: None });
    }
    Ok(Healed { repairs: report.repairs, refused, errors })
}

/// The report of a run that could not ask anybody; `None` where a report has no word for its end.
fn unable(found: Found, error: &anyhow::Error) -> Option<Report> {
    if let Some(PassFailure::Cancelled) = error.downcast_ref() {
        return None;
    }
    let exit = exit_code(error);
    let outcome =
        [Outcome::Failed, Outcome::Busy].into_iter().find(|outcome| outcome.exit_code() == exit)?;
    let message = describe(error);
    let error = PassError { code: code(error).to_owned(), message, subject: None };
    Some(Report::unable(found, outcome, error))
}

fn write(report: &Report, args: &PreflightArgs, context: &mut Context<'_>) -> anyhow::Result<()> {
    context.phase.writing();
    let prefix = prefix(context);
    let quiet = context.common.quiet;
    let view = PreflightReport { report, quiet, prefix: &prefix };
    // Stdout first: a file that cannot be written must not swallow the answer.
    view.render(args.output, &context.text, &mut context.stdout)?;
    let whole = PreflightReport { quiet: false, ..view };
    let plain = TextOptions { color: Color::Never, ..context.text };
    for target in &args.report {
        target.write(&whole, &plain)?;
    }
    Ok(())
}

/// Where GitHub's checkout has the working directory.
fn prefix(context: &Context<'_>) -> PathBuf {
    let here = context.environment.working_directory();
    let checkout = context.environment.get("GITHUB_WORKSPACE").map(Path::new);
    let inside = checkout.and_then(|checkout| here.strip_prefix(checkout).ok());
    inside.unwrap_or(Path::new("")).to_owned()
}
