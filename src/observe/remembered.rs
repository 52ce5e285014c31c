//! [`Remembered`]: what metrics show of the time before their process began.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::Depth;

use super::Census;

/// What is known of a store from before this process. Kept in the ledger after each pass over
/// everything, so that a restart blanks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// What the last complete pass counted.
    pub census: Option<Census>,
    /// The last passes of each depth.
    pub passes: Vec<LastPasses>,
    /// When an object was last restored.
    pub healed_at: Option<DateTime<Utc>>,
}

/// The last passes of one depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPasses {
    /// The last one that ended.
    pub last: PastPass,
    /// The last one that finished its work.
    pub success: Option<PastPass>,
}

/// A pass that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastPass {
    /// Its depth.
    pub depth: Depth,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// Whether it finished its work.
    pub succeeded: bool,
}

impl Remembered {
    /// Keeps a pass that ended, with what it counted if it came to that.
    pub fn keep(&mut self, pass: PastPass, census: Option<&Census>) {
        let before = self.passes.iter().find(|known| known.last.depth == pass.depth);
        let success = before.and_then(|known| known.success);
        let success = if pass.succeeded { Some(pass) } else { success };
        self.passes.retain(|known| known.last.depth != pass.depth);
        self.passes.push(LastPasses { last: pass, success });
        if let Some(census) = census {
            self.census = Some(census.clone());
        }
    }
}

impl LastPasses {
    /// Both, the earlier one first.
    pub fn in_order(&self) -> impl Iterator<Item = PastPass> + use<> {
        self.success.into_iter().chain([self.last])
    }
}
