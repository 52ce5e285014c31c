//! Errors as people read them, and the exit codes that they stand for.

use super::args::NoSliceError;
use crate::catalog::CatalogError;
use crate::config::ConfigError;
use crate::http::{ListenError, TokenError};
use crate::import::ImportError;
use crate::ledger::{LedgerError, LockError};
use crate::model::{Outcome, cut_owned, redact_urls_in};
use crate::pass::PassFailure;
use crate::preflight::PreflightError;
use crate::store;

/// The exit code of a usage error.
pub const USAGE: u8 = 64;

/// The exit code of a configuration error.
const CONFIGURATION: u8 = 78;

/// A command line that can be read, and asks for what there is not.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct UsageError {
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl UsageError {
    /// With what to do about it.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// The exit code of an error, by the causes that have one of their own.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    let unknown_collection = matches!(cause(error), Some(PassFailure::UnknownCollection { .. }));
    if unknown_collection
        || cause::<UsageError>(error).is_some()
        || cause::<NoSliceError>(error).is_some()
        || matches!(cause(error), Some(ImportError::Options(_)))
    {
        return USAGE;
    }
    let of_catalog = matches!(
        cause(error),
        Some(CatalogError::Query { .. } | CatalogError::Configuration { .. })
    );
    let of_store = matches!(cause(error), Some(store::OpenError::Configuration { .. }));
    let of_http = cause::<TokenError>(error).is_some()
        || cause(error).is_some_and(ListenError::is_of_the_configuration);
    if of_catalog || of_store || of_http || cause::<ConfigError>(error).is_some() {
        return CONFIGURATION;
    }
    match cause(error) {
        Some(LockError::Busy { .. }) => Outcome::Busy.exit_code(),
        Some(_) | None => Outcome::Failed.exit_code(),
    }
}

/// What an error is about, in the words of a report's errors.
pub(super) fn code(error: &anyhow::Error) -> &'static str {
    if cause::<CatalogError>(error).is_some() {
        "catalog"
    } else if cause::<store::OpenError>(error).is_some()
        || matches!(cause(error), Some(PreflightError::Store(_)))
    {
        "store"
    } else if cause::<LockError>(error).is_some() {
        "lock"
    } else if cause::<LedgerError>(error).is_some() {
        "ledger"
    } else {
        "internal"
    }
}

/// The first cause of a type, be it an error or the context of one.
fn cause<T: std::error::Error + Send + Sync + 'static>(error: &anyhow::Error) -> Option<&T> {
    error.downcast_ref().or_else(|| error.chain().find_map(|cause| cause.downcast_ref()))
}

/// An error with all its causes in one line, and below it what to do. Holds no secret of a URL.
pub fn describe(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        // What a database says may be of any length.
        let cause = if cause.is::<sqlx::Error>() {
            cut_owned(cause.to_string())
        } else {
            cause.to_string()
        };
        // Some libraries say their cause themselves.
        if text.ends_with(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    let of_usage = cause(error).map(|usage: &UsageError| usage.hint.as_str());
    let hint = of_usage.or_else(|| cause(error).and_then(ConfigError::hint));
    if let Some(hint) = hint.filter(|hint| !hint.is_empty()) {
        text.push_str("\nhint: ");
        text.push_str(hint);
    }
    redact_urls_in(&text)
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::Context as _;

    use super::*;

    #[test]
    fn an_error_is_one_line_of_causes_with_its_hint_below_and_no_secret() {
        let error = Err::<(), _>(io::Error::other("GET https://u:SECRET@h/p?SECRET failed"))
            .context("cannot list")
            .context(UsageError::new("no collection `x`", "`restock status` names them"))
            .unwrap_err();
        assert_eq!(
            describe(&error),
            "no collection `x`: cannot list: GET https://h/p failed\nhint: `restock status` names them"
        );
    }

    #[test]
    fn a_cause_that_is_told_already_is_not_told_twice() {
        let error = anyhow::Error::new(io::Error::other("reset")).context("cannot read: reset");
        assert_eq!(describe(&error), "cannot read: reset");
    }

    #[test]
    fn what_a_database_says_is_cut() {
        let error = sqlx::Error::Protocol("x".repeat(100_000));
        let told = describe(&anyhow::Error::new(error).context("cannot read rows"));
        assert_eq!(told.len(), "cannot read rows: ".len() + 1024, "{told}");
    }

    #[test]
    fn each_kind_of_error_has_its_exit_code() {
        let config = ConfigError::NotFound { looked: Vec::new() };
        let collection = PassFailure::UnknownCollection { name: "x".into(), known: "y".into() };
        let query = CatalogError::Query {
            collection: "x".to_owned(),
            problem: "has no column `digest`".to_owned(),
            source: None,
        };
        let no_folder = ListenError::NoFolder { folder: "x".into() };
        let in_use = ListenError::InUse { path: "x".into() };
        let busy = LockError::Busy { place: "x".into(), holder: None };
        for (error, code) in [
            (anyhow::Error::new(UsageError::new("x", "y")), 64),
            (anyhow::Error::new(collection), 64),
            (anyhow::Error::new(config).context("cannot start"), 78),
            (anyhow::Error::new(query), 78),
            (anyhow::Error::new(CatalogError::Configuration("x".to_owned())), 78),
            (anyhow::Error::new(store::OpenError::Configuration { problem: "x".into() }), 78),
            (anyhow::Error::new(no_folder), 78),
            (anyhow::Error::new(in_use), 1),
            (anyhow::Error::new(TokenError::Unusable { path: "x".into() }), 78),
            (anyhow::Error::new(busy), 5),
            (anyhow::anyhow!("anything else"), 1),
        ] {
            assert_eq!(exit_code(&error), code, "{error}");
        }
    }
}
