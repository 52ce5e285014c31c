//! [`Said`]: what a database said, and what to do about it.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::cut_owned;

/// What a database said, without the library's words around it. Holds no secrets.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Said {
    /// The message.
    pub(super) message: String,
    /// What to do, where that is known.
    pub(super) hint: Option<Cow<'static, str>>,
    /// Whether the SQL is at fault, or what it may read, and not the connection.
    pub(super) is_of_statement: bool,
    /// Whether asking again at once may help.
    pub(super) is_passing: bool,
}

impl Said {
    /// A limit of time was passed.
    pub(super) fn timed_out(what: &str, option: &str, limit: Duration) -> Self {
        let limit = humantime::format_duration(limit);
        Self::plain(format!("{what} took longer than `{option}` in [catalog], {limit}"))
    }

    /// The rows stopped coming before the database said that these were all.
    pub(super) fn broke_off() -> Self {
        Self::plain("the answer broke off before its end")
    }

    /// A message that says all there is to say; a long one is cut.
    pub(super) fn plain(message: impl Into<String>) -> Self {
        Self {
            message: cut_owned(message.into()),
            hint: None,
            is_of_statement: false,
            is_passing: false,
        }
    }

    /// The same with what to do.
    pub(super) fn advising(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same with its hint in the message, for errors that have no place for a hint.
    pub(super) fn with_hint(self) -> Self {
        let Some(hint) = self.hint else { return self };
        Self { message: format!("{} ({hint})", self.message), hint: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_database_says_is_cut() {
        assert_eq!(Said::plain("x".repeat(100_000)).message.len(), 1024);
    }
}
