//! [`Interference`]: a step into the operations of a double, to delay, fail or stop them.

#![allow(dead_code, reason = "each test takes some of it")]

use async_trait::async_trait;
use restock::store::BoxError;

/// When a double asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Moment {
    /// Nothing has changed yet.
    Before,
    /// One step of several took effect, and the next one has not begun.
    Between,
    /// Everything took effect, and the caller does not know yet.
    After,
}

/// Who may step in before an operation of a double takes effect, and after it did, before its
/// answer comes. Who never returns stops it there, as a crash does.
#[async_trait]
pub(crate) trait Interference: Send + Sync {
    /// `action` is the method's name. An error is answered in place of the result.
    async fn meet(&self, moment: Moment, action: &'static str) -> Result<(), BoxError>;
}

/// A closure decides at once.
#[async_trait]
impl<F> Interference for F
where
    F: Fn(Moment, &'static str) -> Result<(), BoxError> + Send + Sync,
{
    async fn meet(&self, moment: Moment, action: &'static str) -> Result<(), BoxError> {
        self(moment, action)
    }
}

/// Fails these actions at this moment, and no others.
pub(crate) fn failing(
    failing: &'static [&'static str],
    at: Moment,
    why: &'static str,
) -> impl Interference {
    move |moment: Moment, action: &'static str| {
        if moment == at && failing.contains(&action) { Err(why.into()) } else { Ok(()) }
    }
}
