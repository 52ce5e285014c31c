//! [`Plan`]: what will be done, as data that is printed, stored, refused and tested.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Cause, Digest, Finding, FindingKind, Unhealable};

use super::{HealOptions, switched_off};

/// The `schema` member of a plan file.
const SCHEMA: &str = "restock.plan/v1";

/// Which world a plan was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanIdentity {
    /// The catalog, redacted.
    pub catalog: String,
    /// The store: scheme, endpoint, bucket and prefix.
    pub store: String,
}

/// What will be done. Holds no URL: sources are read from the catalog again when it is carried
/// out, so that a plan file holds no secret and never a stale source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// `restock.plan/v1`.
    pub schema: String,
    /// The pass that made it.
    pub pass_id: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The world that it was made for; refused for another.
    #[serde(rename = "for")]
    pub identity: PlanIdentity,
    /// What will be done, object by object, in the order of the findings.
    pub actions: Vec<Action>,
}

/// The object of an action.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Its collection.
    pub collection: String,
    /// Its key.
    pub key: String,
    /// Its digest.
    pub digest: Digest,
}

/// One element of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// The object.
    pub target: Target,
    /// Why it is in the plan.
    pub cause: Cause,
    /// What will be done with it.
    pub step: Step,
}

/// What will be done with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Its sources are asked, and proven bytes are published.
    Restore,
    /// The same over an object that nobody can read, because a person asked for it.
    ReplaceUnreadable,
    /// Nothing, deliberately.
    Hold(Hold),
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// The breaker is open.
    Breaker,
    /// A part of the pass failed, and what the rest saw would open the breaker.
    Incomplete,
    /// Healing is off: for all, for this collection, or for what is corrupt.
    HealingOff,
    /// A person paused the daemon's healing.
    Paused,
    /// Its last heal failed, and it is not yet time for the next.
    BackOff,
}

/// The plan that follows from findings: every missing or corrupt object, in their order. What the
/// configuration does not let be healed is held. With `hold_all` nothing of it is to be done.
pub fn make_plan(
    findings: &[Finding],
    pass_id: &str,
    made_at: DateTime<Utc>,
    identity: PlanIdentity,
    hold_all: Option<Hold>,
    options: &HealOptions,
) -> Plan {
    let actions = findings.iter().filter_map(|finding| {
        let cause = match finding.kind {
            FindingKind::Missing => Cause::Missing,
            FindingKind::Corrupt => Cause::Corrupt,
            FindingKind::Unknown
            | FindingKind::InvalidRecord
            | FindingKind::Orphan
            | FindingKind::Foreign => return None,
        };
        let (digest, key) = (finding.digest?, finding.key.clone()?);
        let heals = finding.unhealable != Some(Unhealable::Disabled);
        let hold = hold_all.or_else(|| switched_off(options, heals, cause));
        let step = hold.map_or(Step::Restore, Step::Hold);
        let target = Target { collection: finding.collection.clone(), key, digest };
        Some(Action { target, cause, step })
    });
    Plan {
        schema: SCHEMA.to_owned(),
        pass_id: pass_id.to_owned(),
        made_at,
        identity,
        actions: actions.collect(),
    }
}

impl Step {
    /// Whether something is done at all.
    pub const fn acts(self) -> bool {
        matches!(self, Self::Restore | Self::ReplaceUnreadable)
    }
}

impl Plan {
    /// Takes in what a person named and nobody can read: what these findings call unknown, and what
    /// was found corrupt once and was not `read` in this pass. `held` gives a reason to leave it.
    pub fn replace_unreadable(
        &mut self,
        findings: &[Finding],
        read: impl Fn(&str) -> bool,
        held: impl Fn(&Finding) -> Option<Hold>,
    ) {
        for finding in findings.iter().filter(|finding| finding.kind == FindingKind::Unknown) {
            let (Some(digest), Some(key)) = (finding.digest, finding.key.clone()) else { continue };
            let step = held(finding).map_or(Step::ReplaceUnreadable, Step::Hold);
            let target = Target { collection: finding.collection.clone(), key, digest };
            self.actions.push(Action { target, cause: Cause::Missing, step });
        }
        for action in &mut self.actions {
            let unread = action.cause == Cause::Corrupt && !read(&action.target.key);
            if action.step == Step::Restore && unread {
                action.step = Step::ReplaceUnreadable;
            }
        }
    }

    /// Holds back what is to be done and `held` gives a reason for.
    pub fn hold(&mut self, held: impl Fn(&Action) -> Option<Hold>) {
        for action in &mut self.actions {
            if action.step.acts()
                && let Some(why) = held(action)
            {
                action.step = Step::Hold(why);
            }
        }
    }

    /// Whether there is something to heal, and the configuration holds all of it.
    pub fn is_switched_off(&self) -> bool {
        let off = |action: &Action| action.step == Step::Hold(Hold::HealingOff);
        self.actions.iter().any(off) && self.actions.iter().all(off)
    }

    /// Why this plan cannot be carried out in the world `here`; `None` where it can.
    pub fn misfit(&self, here: &PlanIdentity) -> Option<String> {
        if self.schema != SCHEMA {
            return Some(format!("it is no plan of this version: schema `{}`", self.schema));
        }
        self.identity.misfit(here)
    }
}

impl PlanIdentity {
    /// Why what was made for this world does not fit the world `here`; `None` where it does.
    pub fn misfit(&self, here: &Self) -> Option<String> {
        for (what, planned, here) in
            [("catalog", &self.catalog, &here.catalog), ("store", &self.store, &here.store)]
        {
            if planned != here {
                return Some(format!("it was made for {what} {planned}, and this is {here}"));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: FindingKind, byte: u8) -> Finding {
        let digest = Digest::new([byte; 32]);
        let mut finding = Finding::new(kind, "c", DateTime::UNIX_EPOCH, String::new());
        (finding.digest, finding.key) = (Some(digest), Some(format!("c/{digest}")));
        finding
    }

    fn identity() -> PlanIdentity {
        PlanIdentity { catalog: "sqlite:///c".to_owned(), store: "file:///s".to_owned() }
    }

    fn plan(findings: &[Finding], open: bool) -> Plan {
        let (hold, options) = (open.then_some(Hold::Breaker), HealOptions::default());
        make_plan(findings, "p", DateTime::UNIX_EPOCH, identity(), hold, &options)
    }

    #[test]
    fn only_what_is_missing_or_corrupt_is_acted_on() {
        let findings: Vec<_> =
            FindingKind::ALL.into_iter().zip(0..).map(|(kind, i)| finding(kind, i)).collect();
        let causes: Vec<_> = plan(&findings, false).actions.iter().map(|a| a.cause).collect();
        assert_eq!(causes, [Cause::Missing, Cause::Corrupt]);
        assert_eq!(plan(&[], false).actions, [], "a healed world plans nothing");
    }

    #[test]
    fn an_open_breaker_holds_everything() {
        let plan = plan(&[finding(FindingKind::Missing, 1)], true);
        assert!(plan.actions.iter().all(|a| a.step == Step::Hold(Hold::Breaker)));
    }

    #[test]
    fn what_nobody_can_read_is_acted_on_only_where_it_is_asked_for() {
        let mut findings = [finding(FindingKind::Corrupt, 1), finding(FindingKind::Corrupt, 2)];
        findings[0].key = Some("read".to_owned());
        let unknown = finding(FindingKind::Unknown, 3);
        let all = [findings.to_vec(), vec![unknown]].concat();
        let steps = |plan: &Plan| plan.actions.iter().map(|a| a.step).collect::<Vec<_>>();
        let mut asked = plan(&all, false);
        assert_eq!(steps(&asked), [Step::Restore; 2]);
        asked.replace_unreadable(&all, |key| key == "read", |_| None);
        let replaced = Step::ReplaceUnreadable;
        assert_eq!(steps(&asked), [Step::Restore, replaced, replaced]);
        let mut held = plan(&all, true);
        held.replace_unreadable(&all, |_| false, |_| Some(Hold::Breaker));
        assert_eq!(steps(&held), [Step::Hold(Hold::Breaker); 3]);
    }

    #[test]
    fn a_plan_for_another_world_is_refused_and_one_read_back_is_the_same() {
        let plan = plan(&[finding(FindingKind::Missing, 1)], false);
        assert_eq!(plan.misfit(&identity()), None);
        let elsewhere = PlanIdentity { store: "s3://other".to_owned(), ..identity() };
        assert!(plan.misfit(&elsewhere).is_some_and(|why| why.contains("s3://other")));
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }
}
