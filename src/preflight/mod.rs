//! What Fleet will do with the packages of GitOps files: every digest that they name is looked for
//! in catalog and store, before GitOps runs.
//!
//! The verdict is what Fleet does, also where that is not what one would wish: an object that is
//! there with wrong bytes is `ok` to Fleet, which does not read it. It is told all the same.

mod conclude;
mod judge;
mod look;
mod policies;

use std::path::PathBuf;

use serde::Serialize;

use crate::catalog::Catalog;
use crate::gitops::{Install, Place, Reference, Text};
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Collection, Digest};
use crate::store::{Store, StoreError};

pub use conclude::{Healed, Report, Summary};

/// What Fleet will do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// GitOps fails.
    WouldFail,
    /// Nobody can say: catalog or store did not answer.
    Unknown,
    /// Fleet downloads it from its URL, though the digest is known.
    WillDownload,
    /// It is there; of a policy: its team has the package.
    Ok,
}

impl Verdict {
    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WouldFail => "would_fail",
            Self::Unknown => "unknown",
            Self::WillDownload => "will_download",
            Self::Ok => "ok",
        }
    }
}

/// What is said of one package, or of one policy that installs one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where it is asked for.
    pub at: Place,
    /// The file of the team whose policy installs it; `None` of the package itself.
    pub policy_of: Option<PathBuf>,
    /// Its `hash_sha256`, where it has one. Print [`Answer::digest`] or [`Answer::hash`].
    pub hash: Option<Text>,
    /// What Fleet will do.
    pub verdict: Verdict,
    /// Fleet's own words where it fails, the reason otherwise.
    pub message: String,
    /// Why Fleet would say so, where there is more to tell.
    pub detail: Option<String>,
    /// The collection that has a row of it.
    pub collection: Option<String>,
    /// Its key there. Print [`Answer::key`].
    pub key: Option<String>,
    /// Whether its object is there with wrong bytes, which Fleet would hand out.
    pub corrupt: bool,
}

/// What is said of all packages.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Each package that names a digest, or neither a digest nor a URL, and each policy that
    /// installs one, by their place.
    pub answers: Vec<Answer>,
    /// The digests whose rows are there and whose objects are not, or are wrong: these a heal may
    /// bring back.
    pub absent: Vec<Digest>,
}

/// What keeps everything from being resolved. What one object or one part of the catalog does not
/// tell is a verdict.
#[derive(Debug, thiserror::Error)]
pub enum PreflightError {
    /// The store says itself that it is not there.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Looks packages up. Nothing in it can write.
pub struct Preflight<'a> {
    /// Whose rows Fleet would look for.
    pub catalog: &'a dyn Catalog,
    /// Where their bytes should lie.
    pub store: &'a dyn Store,
    /// Which of them were read and found wrong.
    pub ledger: &'a dyn Ledger,
    /// The collections that hold packages.
    pub collections: Vec<&'a Collection>,
    /// Probes at once.
    pub concurrency: usize,
}

impl Preflight<'_> {
    /// What Fleet will do with each of these packages, and with the policies that install them.
    pub async fn resolve(
        &self,
        references: &[Reference],
        installs: &[Install],
    ) -> Result<Resolved, PreflightError> {
        let (answers, questions) = judge::sort(references);
        let mut resolved = Resolved { answers, absent: Vec::new() };
        let asked = questions.iter().map(|question| question.digest);
        let known = self.look_up(asked.chain(policies::questions(installs))).await?;
        let unheard = look::Known::default();
        for question in &questions {
            let known = known.get(&question.digest).unwrap_or(&unheard);
            resolved.answers.push(judge::answer(question, known));
        }
        let lost = known.iter().filter(|(_, known)| known.could_be_healed());
        resolved.absent = lost.map(|(digest, _)| *digest).collect();
        resolved.absent.sort_unstable();
        judge::tell_repeated(references, &mut resolved.answers);
        let of_policies = installs.iter().map(|install| policies::answer(install, &known));
        resolved.answers.extend(of_policies);
        resolved.answers.sort_by(|a, b| a.at.cmp(&b.at));
        Ok(resolved)
    }
}
