//! [`Tee`]: several observers as one.

use std::sync::Arc;

use super::{Event, Observer};

/// Tells several observers, in their order.
#[derive(Clone, Default)]
pub struct Tee(Vec<Arc<dyn Observer>>);

impl Tee {
    /// Tells these.
    pub fn new(observers: impl IntoIterator<Item = Arc<dyn Observer>>) -> Self {
        Self(observers.into_iter().collect())
    }
}

impl Observer for Tee {
    fn notice(&self, event: &Event<'_>) {
        for observer in &self.0 {
            observer.notice(event);
        }
    }
}
