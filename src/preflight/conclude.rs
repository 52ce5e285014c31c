//! [`Report`]: what is said of all files, and the exit code that follows.

use std::collections::HashMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Resolved, Verdict, judge, policies};
use crate::gitops::{Among, Found, Problem};
use crate::model::{Outcome, PassError, Repair, RepairResult};

/// What is said of all files.
#[derive(Debug)]
pub struct Report {
    /// What is said of each package, by its place.
    pub answers: Vec<Answer>,
    /// What is wrong with the files, by its place: for each of them GitOps would fail.
    pub problems: Vec<Problem>,
    /// What is worth a word and decides nothing, by its place.
    pub notes: Vec<Problem>,
    /// What a heal did beforehand.
    pub repairs: Vec<Repair>,
    /// All of it in numbers.
    pub summary: Summary,
}

/// What a heal did beforehand.
#[derive(Debug, Default)]
pub struct Healed {
    /// Its repairs.
    pub repairs: Vec<Repair>,
    /// Whether the breaker refused it.
    pub refused: bool,
    /// What kept it from its end.
    pub errors: Vec<PassError>,
}

/// A preflight in numbers. Where it could not be run, the counts that need a look at catalog and
/// store are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code that goes with the outcome.
    pub exit_code: u8,
    /// Files that hold packages.
    pub files: u64,
    /// Packages in them.
    pub references: u64,
    /// Policies that install a package, by its digest or by the path of its file.
    pub policies: u64,
    /// Packages whose row and object are there, and policies whose team has their package.
    pub ok: Option<u64>,
    /// Packages with a digest that Fleet downloads all the same.
    pub will_download: Option<u64>,
    /// Places for which GitOps would fail, problems included.
    pub would_fail: Option<u64>,
    /// Packages and policies of which nobody can say anything.
    pub unknown: Option<u64>,
    /// The part of `ok` whose bytes were read and are wrong.
    pub corrupt: Option<u64>,
    /// Files, lines and shapes that cannot be read.
    pub problems: u64,
    /// Packages with a URL alone: nothing is looked up for them.
    pub url_only: u64,
    /// Objects restored by the heal beforehand.
    pub healed: u64,
    /// Objects that it could not restore.
    pub heal_failed: u64,
    /// Objects that it deliberately left alone.
    pub held: u64,
    /// What kept the run, or a part of it, from its end.
    pub errors: Vec<PassError>,
}

impl Report {
    /// What follows from files, answers and a heal.
    pub fn new(found: Found, resolved: Resolved, healed: Healed) -> Self {
        let Healed { repairs, refused, errors } = healed;
        let failed = !found.unreadable.is_empty() || (!errors.is_empty() && !refused);
        let mut report = Self::bare(found, repairs, errors);
        let Resolved { answers, absent: _ } = resolved;
        report.answers = answers;
        report.tell_failed_repairs();
        let summary = &mut report.summary;
        let of = |verdict| count(report.answers.iter().filter(|a| a.verdict == verdict));
        summary.ok = Some(of(Verdict::Ok));
        summary.will_download = Some(of(Verdict::WillDownload));
        summary.would_fail = Some(of(Verdict::WouldFail) + summary.problems);
        summary.unknown = Some(of(Verdict::Unknown));
        summary.corrupt = Some(count(report.answers.iter().filter(|answer| answer.corrupt)));
        let some = |n: Option<u64>| n.is_some_and(|n| n > 0);
        summary.outcome = if failed {
            Outcome::Failed
        } else if refused {
            Outcome::Refused
        } else if some(summary.would_fail) || some(summary.corrupt) {
            Outcome::Findings
        } else if some(summary.unknown) {
            Outcome::Incomplete
        } else {
            Outcome::Clean
        };
        summary.exit_code = summary.outcome.exit_code();
        report
    }

    /// What is known where catalog and store could not be asked: what the files show by themselves.
    pub fn unable(found: Found, outcome: Outcome, error: PassError) -> Self {
        let (mut answers, _) = judge::sort(&found.references);
        judge::tell_repeated(&found.references, &mut answers);
        // Of the others the server's own packages would tell.
        let settled = |among: &Among| matches!(among, Among::Team(_) | Among::Nothing);
        let by_itself = found.installs.iter().filter(|install| settled(&install.among));
        answers.extend(by_itself.map(|install| policies::answer(install, &HashMap::new())));
        answers.sort_by(|a, b| a.at.cmp(&b.at));
        let mut report = Self::bare(found, Vec::new(), vec![error]);
        report.answers = answers;
        report.summary.outcome = outcome;
        report.summary.exit_code = outcome.exit_code();
        report
    }

    fn bare(found: Found, repairs: Vec<Repair>, mut errors: Vec<PassError>) -> Self {
        let Found { references, torn, installs, problems, notes, remarks: _, unreadable, files } =
            found;
        errors.extend(unreadable.into_iter().map(|(path, cause)| unreadable_path(&path, &cause)));
        let ended = |wanted: fn(RepairResult) -> bool| {
            count(repairs.iter().filter(|repair| wanted(repair.result)))
        };
        let summary = Summary {
            outcome: Outcome::Clean,
            exit_code: 0,
            files,
            references: count(references.iter()).saturating_add(torn),
            policies: count(installs.iter()),
            ok: None,
            will_download: None,
            would_fail: None,
            unknown: None,
            corrupt: None,
            problems: count(problems.iter()),
            url_only: count(
                references.iter().filter(|r| r.hash_sha256.is_none() && r.url.is_some()),
            ),
            healed: ended(|result| result == RepairResult::Restored),
            heal_failed: ended(|result| !result.is_success() && result != RepairResult::Held),
            held: ended(|result| result == RepairResult::Held),
            errors,
        };
        Self { answers: Vec::new(), problems, notes, repairs, summary }
    }

    /// Says of what is not there still why the heal did not bring it.
    fn tell_failed_repairs(&mut self) {
        for answer in &mut self.answers {
            let failed = |repair: &&Repair| answer.is_of(repair) && !repair.result.is_success();
            let Some(repair) = self.repairs.iter().rfind(failed) else { continue };
            if answer.verdict == Verdict::WouldFail || answer.corrupt {
                let why = format!("healing it: {}: {}", repair.result.as_str(), repair.detail);
                answer.add_detail(&why);
            }
        }
    }
}

fn unreadable_path(path: &Path, cause: &str) -> PassError {
    let subject = path.display().to_string();
    let message = format!("cannot read {subject}: {cause}");
    PassError { code: "unreadable".to_owned(), message, subject: Some(subject) }
}

fn count<T>(of: impl Iterator<Item = T>) -> u64 {
    u64::try_from(of.count()).unwrap_or(u64::MAX)
}
