//! Losses that a person accepted with a command: the ledger keeps them as a note.

use std::collections::HashSet;

use crate::ledger::{Ledger, LedgerError};
use crate::model::{Acceptance, Digest};
use crate::observe::Event;
use crate::plan::accepted_now;

use super::Auditor;

/// The note's name.
const NOTE: &str = "accepted";

/// What the ledger keeps of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptAcceptances {
    /// These.
    Known(Vec<Acceptance>),
    /// Something that cannot be read, and why.
    Unreadable(String),
}

/// The losses that were accepted by command.
pub async fn accepted(ledger: &dyn Ledger) -> Result<KeptAcceptances, LedgerError> {
    let Some(text) = ledger.note(NOTE).await? else {
        return Ok(KeptAcceptances::Known(Vec::new()));
    };
    Ok(match serde_json::from_str(&text) {
        Ok(kept) => KeptAcceptances::Known(kept),
        Err(error) => KeptAcceptances::Unreadable(error.to_string()),
    })
}

/// Keeps them, in place of what was kept.
pub async fn keep_accepted(ledger: &dyn Ledger, kept: &[Acceptance]) -> Result<(), LedgerError> {
    // Digests, days and text: there is nothing in it that JSON cannot say.
    let text = serde_json::to_string(kept).ok().filter(|_| !kept.is_empty());
    ledger.set_note(NOTE, text.as_deref()).await
}

impl Auditor {
    /// The digests whose loss is accepted now. What cannot be read accepts nothing: to be told once
    /// too often does no harm.
    pub(super) async fn accepted_now(&self) -> Result<HashSet<Digest>, LedgerError> {
        let kept = match accepted(&*self.ledger).await? {
            KeptAcceptances::Known(kept) => kept,
            KeptAcceptances::Unreadable(why) => {
                let line = format!(
                    "the ledger's list of accepted losses cannot be read, and accepts none: {why}"
                );
                self.observer.notice(&Event::Notice(&line));
                Vec::new()
            }
        };
        Ok(accepted_now(&self.settings.accepted, &kept, self.clock.now()))
    }
}
