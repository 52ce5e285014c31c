//! The merge of both sides, step by step, with reading in between.

use crate::model::{Record, Slice};
use crate::observe::Event;
use crate::reconcile::{Join, Joined, Judgement, Rules};
use crate::sorter::SorterError;

use super::enumerate::Enumerated;
use super::verdicts::Verdicts;
use super::{Context, Trouble};

/// What the merge leaves to be looked at again.
#[derive(Debug, Default)]
pub(super) struct Suspicions {
    /// Expected, and not listed.
    pub(super) missing: Vec<Record>,
    /// Expected, and listed with a doubtful size.
    pub(super) sizes: Vec<Record>,
    /// Expected, listed, and a corruption stands against it, or it lies in an archive.
    pub(super) standing: Vec<Record>,
}

impl Context<'_> {
    /// Joins both sides. Objects to be read are read as they come, so that a deep pass over
    /// millions holds a batch of them at a time.
    pub(super) async fn join(
        &self,
        sides: &mut Enumerated,
        rules: Rules,
        verdicts: &mut Verdicts,
    ) -> Result<Suspicions, Trouble> {
        let mut suspicions = Suspicions::default();
        let mut join = Join::new();
        let mut to_read = Vec::new();
        if self.request.deep.is_some() {
            self.auditor.observer.notice(&Event::Phase {
                name: "reading",
                total_objects: Some(sides.expected.distinct()).filter(|n| *n > 0),
                total_bytes: None,
            });
        }
        loop {
            let visit = |joined: Joined| {
                sort_out(
                    &joined,
                    &rules,
                    self.request.deep,
                    verdicts,
                    &mut suspicions,
                    &mut to_read,
                );
            };
            let more = join
                .step::<SorterError>(
                    |batch| sides.expected.next_batch(batch),
                    |batch| sides.observed.next_batch(batch),
                    visit,
                )
                .map_err(|error| Trouble::Join(crate::model::error_chain(&error)))?;
            if !to_read.is_empty() {
                self.read_all(std::mem::take(&mut to_read), verdicts, &mut suspicions.missing)
                    .await?;
            }
            if !more {
                return Ok(suspicions);
            }
            tokio::task::yield_now().await;
        }
    }
}

fn sort_out(
    joined: &Joined,
    rules: &Rules,
    deep: Option<Slice>,
    verdicts: &mut Verdicts,
    suspicions: &mut Suspicions,
    to_read: &mut Vec<Record>,
) {
    match joined {
        Joined::Both(expected, observed) => {
            verdicts.observed += 1;
            let doubtful = rules.judge(joined) != Judgement::Healthy;
            if deep.is_some_and(|slice| slice.contains(&expected.digest)) {
                to_read.push(*expected);
            } else if observed.is_marked() {
                // What is known to be corrupt is not read in every pass, whatever its size.
                suspicions.standing.push(*expected);
            } else if doubtful {
                suspicions.sizes.push(*expected);
            } else {
                verdicts.add_present(expected);
            }
        }
        Joined::Expected(_) if rules.judge(joined) == Judgement::Young => verdicts.young += 1,
        Joined::Expected(expected) => suspicions.missing.push(*expected),
        Joined::Observed(observed) => {
            verdicts.observed += 1;
            verdicts.orphans.push(*observed);
        }
    }
}
