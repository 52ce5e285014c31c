//! [`OrphansPlan`]: which flagged orphans are to be taken away, as data for a person to read.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{Collection, Digest, ObjectMeta};

use super::PlanIdentity;

/// The `schema` member of a plan file.
const SCHEMA: &str = "restock.orphans-plan/v1";

/// What happens to the orphans of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disposal {
    /// They are moved under the quarantine prefix, and can be put back.
    Quarantine,
    /// They are deleted for good.
    Delete,
}

/// Which orphans are to be taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrphansPlan {
    /// `restock.orphans-plan/v1`.
    pub schema: String,
    /// The plan; copies in the quarantine lie under it.
    pub plan_id: String,
    /// The pass that flagged its orphans.
    pub pass_id: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The world that it was made for; refused for another.
    #[serde(rename = "for")]
    pub identity: PlanIdentity,
    /// What happens to them.
    pub action: Disposal,
    /// The orphans, in the order of their findings.
    pub entries: Vec<OrphanEntry>,
}

/// One orphan of a plan, with the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrphanEntry {
    /// Its collection.
    pub collection: String,
    /// Its key.
    pub key: String,
    /// The digest that its key names.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The store's tag of the version that was looked at.
    pub etag: Option<String>,
    /// When that was last modified, by the store's clock.
    pub modified: Option<DateTime<Utc>>,
    /// When a complete pass first saw it as an orphan.
    pub first_seen: DateTime<Utc>,
    /// In how many complete passes it was seen, far enough apart.
    pub sightings: u32,
    /// The evidence: `flagged`.
    pub reason: String,
    /// The same in a sentence.
    pub detail: String,
}

impl OrphansPlan {
    /// A plan for a world.
    pub fn new(
        plan_id: String,
        pass_id: &str,
        made_at: DateTime<Utc>,
        identity: PlanIdentity,
        action: Disposal,
        entries: Vec<OrphanEntry>,
    ) -> Self {
        let (schema, pass_id) = (SCHEMA.to_owned(), pass_id.to_owned());
        Self { schema, plan_id, pass_id, made_at, identity, action, entries }
    }

    /// Why this plan cannot be carried out in the world `here`; `None` where it can.
    pub fn misfit(&self, here: &PlanIdentity) -> Option<String> {
        if self.schema != SCHEMA {
            return Some(format!("it is no plan of this version: schema `{}`", self.schema));
        }
        // Its id becomes a part of keys.
        if Uuid::parse_str(&self.plan_id).is_err() {
            return Some("its `plan_id` is no UUID: somebody changed it".to_owned());
        }
        let mut keys = HashSet::new();
        if let Some(twice) = self.entries.iter().find(|entry| !keys.insert(&entry.key)) {
            return Some(format!("it names {:?} twice: somebody changed it", twice.key));
        }
        self.identity.misfit(here)
    }
}

impl OrphanEntry {
    /// The version that was looked at.
    pub fn version(&self) -> ObjectMeta {
        ObjectMeta { size: self.size, etag: self.etag.clone(), modified: self.modified }
    }
}

/// Whether a key is the one that a digest has in this collection. Whatever a file says, no other
/// key is ever touched.
pub fn is_own_key(collection: &Collection, key: &str, digest: &Digest) -> bool {
    collection.key.render(digest) == key
}

/// Where the copy of an orphan lies.
pub fn orphan_copy(quarantine: &str, plan_id: &str, key: &str) -> String {
    format!("{quarantine}/{ORPHANS}/{plan_id}/{key}")
}

/// The folder of moved orphans in the quarantine.
pub(super) const ORPHANS: &str = "orphans";

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> PlanIdentity {
        PlanIdentity { catalog: "sqlite:///c".to_owned(), store: "file:///s".to_owned() }
    }

    fn entry(byte: u8) -> OrphanEntry {
        let digest = Digest::new([byte; 32]);
        OrphanEntry {
            collection: "c".to_owned(),
            key: format!("c/{digest}"),
            digest,
            size: 5,
            etag: Some("\"e\"".to_owned()),
            // A file system tells nanoseconds, and they are compared.
            modified: DateTime::from_timestamp(1_790_000_000, 123_456_789),
            first_seen: DateTime::UNIX_EPOCH,
            sightings: 3,
            reason: "flagged".to_owned(),
            detail: String::new(),
        }
    }

    fn plan(entries: Vec<OrphanEntry>) -> OrphansPlan {
        let id = "0193f6c0-0000-7000-8000-000000000000".to_owned();
        let at = DateTime::UNIX_EPOCH;
        OrphansPlan::new(id, "pass", at, identity(), Disposal::Quarantine, entries)
    }

    #[test]
    fn a_plan_that_is_written_and_read_back_is_the_same_to_the_nanosecond() {
        let plan = plan(vec![entry(1), entry(2)]);
        let text = serde_json::to_string_pretty(&plan).unwrap();
        assert_eq!(serde_json::from_str::<OrphansPlan>(&text).unwrap(), plan);
        assert_eq!(plan.misfit(&identity()), None);
        assert!(text.contains("\"action\": \"quarantine\""), "{text}");
    }

    #[test]
    fn a_plan_of_another_world_or_one_that_was_tampered_with_is_a_misfit() {
        let misfit = |change: fn(&mut OrphansPlan)| {
            let mut plan = plan(vec![entry(1), entry(2)]);
            change(&mut plan);
            plan.misfit(&identity()).unwrap_or_default()
        };
        for (said, why) in [
            ("s3://other", misfit(|plan| plan.identity.store = "s3://other".to_owned())),
            ("sqlite:///d", misfit(|plan| plan.identity.catalog = "sqlite:///d".to_owned())),
            ("restock.plan/v1", misfit(|plan| plan.schema = "restock.plan/v1".to_owned())),
            ("no UUID", misfit(|plan| plan.plan_id = "../../x".to_owned())),
            ("twice", misfit(|plan| plan.entries.push(entry(1)))),
        ] {
            assert!(why.contains(said), "{said}: {why}");
        }
    }

    #[test]
    fn only_the_key_of_the_digest_is_its_own() {
        let collection =
            Collection { name: "c".to_owned(), key: "a b/{digest}".parse().unwrap(), heal: true };
        let digest = Digest::new([1; 32]);
        assert!(is_own_key(&collection, &format!("a b/{digest}"), &digest));
        for key in [format!("c/{digest}"), format!("a b/../a b/{digest}"), "x".to_owned()] {
            assert!(!is_own_key(&collection, &key, &digest), "{key}");
        }
        assert!(!is_own_key(&collection, &format!("a b/{digest}"), &Digest::new([2; 32])));
    }
}
