//! What a configuration says of healing and of its limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Size, Span};

/// `[heal]`: what may be done to the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HealOptions {
    /// `false`: only observe.
    pub enabled: bool,
    /// `false`: fill holes only, and leave corrupt objects as they are.
    pub replace_corrupt: bool,
    /// Objects healed at once.
    pub concurrency: usize,
    /// Objects larger than this are not healed.
    pub max_object_size: Size,
    /// What is restored and no larger than this is read back once.
    pub verify_up_to: Size,
    /// Where corrupt bytes go before they are replaced, under the store's prefix:
    /// `<quarantine>/<pass_id>/<key>`. Empty for nowhere.
    pub quarantine: String,
    /// First back-off of an object, doubling.
    pub retry_after: Span,
    /// Longest back-off of an object.
    pub retry_at_most: Span,
}

/// `[breaker]`: what no sane world looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerOptions {
    /// Largest share of missing and corrupt objects, from 0 to 1; 1.0 turns the share off.
    pub missing_share: f64,
    /// Fewer than this many never open the breaker by their share.
    pub missing_at_least: u64,
    /// More than this many always open it.
    pub missing_at_most: u64,
    /// Largest share of the digests that rows name by which they may become fewer from one full
    /// pass to the next.
    pub shrunk_share: f64,
    /// Fewer digests than this that no row names any more never open the breaker.
    pub shrunk_at_least: u64,
}

/// `[orphans]`: when an object without a row is flagged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrphanOptions {
    /// How old the object and its first sighting must be.
    pub grace: Span,
    /// In how many complete passes, grace / sightings apart, it must have been seen.
    pub sightings: u32,
}

impl Default for HealOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            replace_corrupt: true,
            concurrency: 4,
            max_object_size: Size(10 << 30),
            verify_up_to: Size(16 << 20),
            quarantine: "restock-quarantine".to_owned(),
            retry_after: Span::seconds(900),
            retry_at_most: Span::seconds(86_400),
        }
    }
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self {
            missing_share: 0.2,
            missing_at_least: 5,
            missing_at_most: 1000,
            shrunk_share: 0.2,
            shrunk_at_least: 5,
        }
    }
}

impl Default for OrphanOptions {
    fn default() -> Self {
        Self { grace: Span::seconds(48 * 3600), sightings: 3 }
    }
}
