//! A ledger that does not take what a pass found: the pass goes on, tells all of it, and fails.

use std::sync::{Mutex, PoisonError};

use crate::ledger::LedgerError;
use crate::model::{PassError, error_chain};

use super::tell::Fault;
use super::{PassReport, Request};

/// What a report's `errors` call it.
const CODE: &str = "ledger";

/// What the ledger did not take while a pass ran.
#[derive(Debug, Default)]
pub(super) struct Unkept(Mutex<Option<PassError>>);

impl Unkept {
    /// Notes whether something was kept. The first failure is told: the others follow from it.
    pub(super) fn note(&self, written: Result<(), LedgerError>) {
        if let Err(error) = written {
            let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| pass_error(&error));
        }
    }

    /// What was noted.
    pub(super) fn into_error(self) -> Option<PassError> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PassReport {
    /// Says that what this pass found or did was not kept.
    pub(super) fn not_kept(&mut self, error: &LedgerError) {
        self.take_unkept(Some(pass_error(error)));
    }

    /// The same of what was noted while it ran.
    pub(super) fn take_unkept(&mut self, error: Option<PassError>) {
        let Some(error) = error else { return };
        self.fault = self.fault.or(Some(Fault::INTERNAL));
        let errors = &mut self.summary.errors;
        if !errors.iter().any(|known| known.code == CODE && known.subject.is_none()) {
            errors.push(error);
        }
    }

    /// The outcome once more, where the ledger failed after it was settled.
    pub(super) fn fail_unkept(&mut self, error: &LedgerError, request: &Request) {
        self.not_kept(error);
        self.decide(request, false);
    }
}

fn pass_error(error: &LedgerError) -> PassError {
    let why = error_chain(error);
    let message =
        format!("the findings and repairs of this pass were not kept, or not all of them: {why}");
    PassError { code: CODE.to_owned(), message, subject: None }
}
