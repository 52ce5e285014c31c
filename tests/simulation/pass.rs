//! One pass, or two at once: run to its end or its death, and then held against the model.

use std::collections::{BTreeMap, BTreeSet};

use restock::catalog::Catalog;
use restock::clock::Clock as _;
use restock::ledger::Ledger as _;
use restock::model::{Attempts, Command, Digest, Outcome, Slice};
use restock::pass::{FailOn, PassFailure, PassReport, Request, Restraint};

use crate::case::{Case, Lies, Remembered};
use crate::fate::Seen;
use crate::judge::{is_about_what_was_seen, judge};
use crate::memory_catalog::Row;
use crate::play::Player;
use crate::step::{Depth, Kind, Pass};
use crate::things::things;

/// What a world was before a step.
pub(crate) struct Before {
    pub(crate) objects: BTreeMap<String, Vec<Lies>>,
    remembered: Remembered,
    planned: Vec<Digest>,
    odd: (BTreeSet<String>, BTreeSet<String>),
    now: chrono::DateTime<chrono::Utc>,
    catalog_now: chrono::DateTime<chrono::Utc>,
    skew: i64,
}

/// A pass as it ran.
enum Ran {
    Reported(Box<PassReport>),
    Failed(PassFailure),
    Died,
    /// There was nothing to run.
    Not,
}

/// What was true and what was seen while a pass ran.
pub(crate) struct Observed {
    pub(crate) objects: BTreeMap<String, Vec<Lies>>,
    rows: Vec<Vec<Row>>,
    pub(crate) seen: Seen,
}

impl Player {
    pub(crate) async fn before(&mut self) -> Remembered {
        let ledger = &self.world.ledger;
        let digests: Vec<_> = things().iter().map(|thing| thing.digest).collect();
        let now = self.world.clock().now();
        let corruptions = ledger.corruptions().await.unwrap();
        let accepted = ledger.accepted().await.unwrap();
        let attempts: BTreeMap<_, _> =
            ledger.attempts(&digests).await.unwrap().into_iter().collect();
        let mut touched = BTreeSet::new();
        for collection in self.world.hands.catalog.collections() {
            let catalog: &dyn Catalog = &self.world.hands.catalog;
            let rows = catalog.rows(collection, &digests).await.unwrap();
            for (digest, known) in &attempts {
                let rows: Vec<_> =
                    rows.iter().filter(|row| row.digest == *digest).cloned().collect();
                if !rows.is_empty() && known.fingerprint != Attempts::fingerprint_of(&rows) {
                    touched.insert(*digest);
                }
            }
        }
        Remembered {
            corruptions: corruptions.into_iter().map(|c| (c.key.clone(), c)).collect(),
            breaker: ledger.breaker().await.unwrap(),
            last_full: ledger.last_full().await.unwrap(),
            accepted: accepted.into_iter().filter(|a| a.holds(now)).map(|a| a.digest).collect(),
            attempts,
            touched,
            interrupted: {
                let publishings = ledger.publishings().await.unwrap();
                publishings.into_iter().map(|publishing| publishing.repair.key).collect()
            },
            drifted: ledger.verdicts().await.unwrap().into_iter().map(|v| v.digest).collect(),
        }
    }

    pub(crate) async fn begin(&mut self) -> Before {
        self.gather();
        self.altered();
        self.world.hands.take_versions();
        let objects = self.world.hands.store.objects();
        let clock = |n: usize| self.world.hands.clocks[n].now();
        let (now, catalog_now) = (clock(0), clock(2));
        let skew = (clock(1) - now).num_seconds();
        let lies = |key: &String| vec![objects.get(key).cloned()];
        Before {
            objects: things().iter().map(|t| (t.key.clone(), lies(&t.key))).collect(),
            remembered: self.before().await,
            planned: self.planned(),
            odd: self.world.hands.store.odd(),
            now,
            catalog_now,
            skew,
        }
    }

    pub(crate) async fn pass(&mut self, pass: &Pass) {
        let before = self.begin().await;
        let ran = self.run(pass, 0).await;
        self.look_at(pass, before, ran, false).await;
    }

    pub(crate) async fn both(&mut self, one: &Pass, other: &Pass) {
        let before = self.begin().await;
        let (first, second) = tokio::join!(self.run(one, 0), self.run(other, 1));
        self.reach("two instances at once");
        let again = Before {
            objects: before.objects.clone(),
            remembered: before.remembered.clone(),
            planned: before.planned.clone(),
            odd: before.odd.clone(),
            ..before
        };
        let seen = self.observed(before.objects);
        self.look(one, &again, &seen, first, true).await;
        self.look(other, &again, &seen, second, true).await;
    }

    pub(crate) fn reach(&self, what: &'static str) {
        self.world.fate.reach(what);
    }

    /// Runs a pass, until its end or its death.
    async fn run(&self, pass: &Pass, who: usize) -> Ran {
        let replaces = matches!(pass.kind, Kind::Named(_, true));
        let writes = pass.kind != Kind::Audit;
        let may = (writes, false, replaces);
        self.world.fate.deal(who, &pass.faults, &pass.meanwhile, pass.crash, may);
        let (auditor, healer) = (self.world.auditor(who), self.world.healer(who));
        let request = self.request(pass);
        let work = async {
            let done = match (pass.kind, &self.plan) {
                (Kind::Audit, _) => auditor.audit(&request).await,
                (Kind::FromPlan, None) => return Ran::Not,
                (Kind::FromPlan, Some(plan)) => auditor.heal_from(plan, &request, &healer).await,
                _ => auditor.heal(&request, &healer).await,
            };
            done.map_or_else(Ran::Failed, |report| Ran::Reported(Box::new(report)))
        };
        let work = Box::pin(work);
        tokio::select! {
            biased;
            () = self.world.fate.death(who) => Ran::Died,
            ran = work => ran,
        }
    }

    fn request(&self, pass: &Pass) -> Request {
        let daemon = pass.kind == Kind::Daemon;
        let heals = pass.kind != Kind::Audit && !(daemon && self.paused);
        let slice = |at, of| Slice::new(at, of).unwrap();
        Request {
            command: if heals { Command::Heal } else { Command::Audit },
            collections: if pass.installers_only {
                vec![crate::things::INSTALLERS.to_owned()]
            } else {
                Vec::new()
            },
            slice: slice(pass.slice.0, pass.slice.1),
            deep: match pass.deep {
                Depth::Shallow => None,
                Depth::Whole => Some(Slice::WHOLE),
                Depth::Part(at, of) => Some(slice(at, of)),
            },
            digests: match pass.kind {
                Kind::Named(n, _) => Some(vec![things()[n].digest]),
                _ => None,
            },
            replace_unreadable: matches!(pass.kind, Kind::Named(_, true)),
            fail_on: FailOn::default(),
            restraint: Restraint { backs_off: daemon, paused: daemon && self.paused },
        }
    }

    async fn look_at(&mut self, pass: &Pass, before: Before, ran: Ran, beside: bool) {
        let objects = before.objects.clone();
        let observed = self.observed(objects);
        self.look(pass, &before, &observed, ran, beside).await;
    }

    /// What was true and what was seen since the beginning of a pass.
    pub(crate) fn observed(&mut self, mut objects: BTreeMap<String, Vec<Lies>>) -> Observed {
        for (key, now) in self.altered() {
            if let Some(lay) = objects.get_mut(&key) {
                lay.push(now);
            }
        }
        Observed { objects, rows: self.world.hands.take_versions(), seen: self.gather() }
    }

    async fn look(
        &mut self,
        pass: &Pass,
        before: &Before,
        observed: &Observed,
        ran: Ran,
        beside: bool,
    ) {
        self.played.passes += 1;
        self.is_written_down(&observed.seen.published).await;
        let calm = observed.seen.keys.is_empty() && !observed.seen.ledger && !observed.seen.all;
        let report = match ran {
            Ran::Reported(report) => report,
            Ran::Failed(error) => {
                if !observed.seen.ledger {
                    self.wrong.push(format!("a pass came to nothing: {error:?}"));
                }
                return;
            }
            Ran::Died | Ran::Not => return,
        };
        self.tell(&report);
        let (mut unreadable, mut archived) = self.world.hands.store.odd();
        unreadable.extend(before.odd.0.iter().cloned());
        archived.extend(before.odd.1.iter().cloned());
        let case = Case {
            setting: self.world.setting,
            pass,
            paused: self.paused,
            planned: before.planned.clone(),
            now: before.now,
            catalog_now: before.catalog_now,
            skew: before.skew,
            rows: observed.rows.clone(),
            objects: observed.objects.clone(),
            unreadable,
            archived,
            remembered: before.remembered.clone(),
            seen: &observed.seen,
            beside,
            report: &report,
        };
        let source = &self.world.hands.source;
        self.wrong.extend(judge(&case, |url| source.answer(url)));
        let heals = case.heals();
        let is_full = case.is_full();
        self.count(&report, pass);
        if !beside && report.summary.errors.iter().any(is_about_what_was_seen) {
            self.is_as_before(&report, before).await;
        }
        if !beside && !observed.seen.ledger {
            self.agrees(&report, is_full).await;
            self.is_remembered(&report).await;
        }
        if heals && calm && !beside && pass.kind != Kind::FromPlan {
            self.is_swept().await;
        }
        if report.summary.outcome != Outcome::Failed && pass.kind == Kind::Audit {
            self.plan = Some(report.plan.clone());
        }
    }

    fn planned(&self) -> Vec<Digest> {
        let actions = self.plan.iter().flat_map(|plan| &plan.actions);
        actions.map(|action| action.target.digest).collect()
    }

    /// A pass that failed opens no breaker, and closes none.
    async fn is_as_before(&mut self, report: &PassReport, before: &Before) {
        let now = self.world.ledger.breaker().await.unwrap();
        if report.summary.outcome == Outcome::Failed && now != before.remembered.breaker {
            self.wrong.push(format!("a pass that failed turned the breaker: {now:?}"));
        }
    }
}
