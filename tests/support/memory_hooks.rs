//! What a test does once, in the middle of what a store in memory is asked.

#![allow(dead_code, reason = "each test takes some of it")]

use super::{MemoryStore, Moment, Operation};

/// A closure that runs once.
type Hook = Box<dyn FnOnce(&MemoryStore) + Send>;

/// Those that have not run yet.
#[derive(Default)]
pub(super) struct Hooks(Vec<(Moment, Operation, Hook)>);

impl MemoryStore {
    /// Runs once, at this moment of the next such operation on whatever key.
    pub(crate) fn once(
        &self,
        at: Moment,
        operation: Operation,
        hook: impl FnOnce(&Self) + Send + 'static,
    ) {
        self.state().hooks.0.push((at, operation, Box::new(hook)));
    }

    /// Runs once, right after a listing came to its end.
    pub(crate) fn after_listing(&self, hook: impl FnOnce(&Self) + Send + 'static) {
        self.once(Moment::After, Operation::List, hook);
    }

    /// Runs once, after the first chunk that a heal writes.
    pub(crate) fn after_chunk(&self, hook: impl FnOnce(&Self) + Send + 'static) {
        self.once(Moment::After, Operation::Write, hook);
    }

    /// Runs once, right after an object was to be removed.
    pub(crate) fn after_removal(&self, hook: impl FnOnce(&Self) + Send + 'static) {
        self.once(Moment::After, Operation::Remove, hook);
    }

    /// Runs the first hook that waits for this.
    pub(super) fn run_hook(&self, at: Moment, operation: Operation) {
        let hook = {
            let hooks = &mut self.state().hooks.0;
            let is_it = |(when, what, _): &(_, _, Hook)| (*when, *what) == (at, operation);
            hooks.iter().position(is_it).map(|waiting| hooks.remove(waiting))
        };
        if let Some((_, _, hook)) = hook {
            hook(self);
        }
    }
}
