//! [`Hindrance`]: who may step in whenever a double is asked something.

#![allow(dead_code, reason = "each test takes some of it")]

use async_trait::async_trait;

/// Delays and fails what a double does.
#[async_trait]
pub(crate) trait Hindrance: Send + Sync {
    /// `action` is the method's name, and `subject` of what it is asked. An error is answered in
    /// place of what would be.
    async fn meet(&self, action: &'static str, subject: &str) -> Result<(), String>;
}

/// A closure decides at once.
#[async_trait]
impl<F> Hindrance for F
where
    F: Fn(&'static str, &str) -> Result<(), String> + Send + Sync,
{
    async fn meet(&self, action: &'static str, subject: &str) -> Result<(), String> {
        self(action, subject)
    }
}
