//! [`Hindrance`]: who may step in whenever a double is asked something.

use async_trait::async_trait;

/// Delays and fails what a double does.
#[async_trait]
pub(crate) trait Hindrance: Send + Sync {
    /// `action` is the method's name, and `subject` of what it is asked. An error is answered in
    /// place of what would be.
    async fn meet(&self, action: &'static str, subject: &str) -> Result<(), String>;
}
