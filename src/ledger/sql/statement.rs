//! [`Statement`]: SQL with its values, written once for every kind of database.

use std::borrow::Cow;

use super::Stored;

/// A value of a statement. Text is the bytes of its UTF-8 everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ledger) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
}

/// SQL with a `?` for each value. None of it ever comes from outside.
#[derive(Debug, Clone)]
pub(in crate::ledger) struct Statement {
    pub(super) text: Cow<'static, str>,
    pub(super) values: Vec<Value>,
    /// Whether its text comes again and again, so that preparing it once is worth the memory.
    pub(super) recurs: bool,
}

/// The statements of one transaction, which are made anew where it has to be tried again.
pub(in crate::ledger) trait Batch: Send + Sync {
    fn statements(&self) -> Made<'_>;
}

/// Statements, made one after the other.
pub(in crate::ledger) type Made<'a> =
    Box<dyn Iterator<Item = Stored<Cow<'a, Statement>>> + Send + 'a>;

impl Batch for Statement {
    fn statements(&self) -> Made<'_> {
        Box::new(std::iter::once(Ok(Cow::Borrowed(self))))
    }
}

impl Batch for Vec<Statement> {
    fn statements(&self) -> Made<'_> {
        Box::new(self.iter().map(|statement| Ok(Cow::Borrowed(statement))))
    }
}

impl Statement {
    pub(in crate::ledger) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), values: Vec::new(), recurs: true }
    }

    /// Binds the next value.
    pub(in crate::ledger) fn int(mut self, value: impl Into<Option<i64>>) -> Self {
        self.values.push(Value::Int(value.into()));
        self
    }

    /// Binds the next value.
    pub(in crate::ledger) fn text(mut self, value: impl Into<String>) -> Self {
        self.values.push(Value::Text(Some(value.into())));
        self
    }

    /// Binds the next value, which may be null.
    pub(in crate::ledger) fn optional<T: Into<String>>(mut self, value: Option<T>) -> Self {
        self.values.push(Value::Text(value.map(Into::into)));
        self
    }

    /// Appends ` (?, …)` with a value each; of lists, only those of the usual length recur.
    pub(in crate::ledger) fn list(
        mut self,
        values: impl ExactSizeIterator<Item = String>,
        usual: usize,
    ) -> Self {
        self.recurs = values.len() == usual;
        let text = self.text.to_mut();
        text.push_str(" (");
        for (at, value) in values.enumerate() {
            text.push_str(if at == 0 { "?" } else { ", ?" });
            self.values.push(Value::Text(Some(value)));
        }
        text.push(')');
        self
    }
}
